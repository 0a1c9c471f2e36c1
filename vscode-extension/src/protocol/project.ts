/** The project's own commands. */

import type { TaskGroup } from "./task";

export interface ProjectCommandsParams {
  /** The active file. */
  uri?: string;
}

export interface ProjectCommand {
  label: string;
  command: string;
  cwd: string;
  group: TaskGroup;
  source: string;
}

export interface ProjectCommandsResult {
  commands: ProjectCommand[];
}

/** What `workspace/executeCommand` is asked: the project's own way to test, build or lint, of the package nearest to a file. */
export interface ProjectRunParams {
  command: "pillion.test" | "pillion.build" | "pillion.lint";
  arguments: [{ scope?: "file" | "package" | "workspace"; uri?: string }];
}

/** The same for the service that a task's failures miss: it is started, then the task runs again. */
export interface ServiceStartParams {
  command: "pillion.service.start";
  arguments: [taskId: string];
}
