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
