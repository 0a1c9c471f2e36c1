/**
 * The wire contract, version 1: a typed mirror of the server's `protocol` module, which PROTOCOL.md describes. It knows
 * no editor and no state.
 *
 * Lines and columns are 1-based, columns in UTF-16 units, paths absolute; fields of an LSP type follow LSP. What the
 * server sends has every field, `null` when it has no value. What it is sent may leave optional fields out.
 */

import type { ChangeParams, ChangesResult } from "./protocol/change";
import type { DiagnosticsParams, DiagnosticsResult } from "./protocol/diagnostics";
import type {
  CompleteParams,
  CompleteResult,
  ModelChunkParams,
  ModelListParams,
  ModelListResult,
  OfferModelsParams,
  SetSecretParams,
} from "./protocol/model";
import type {
  ProjectCommandsParams,
  ProjectCommandsResult,
  ProjectRunParams,
  ServiceStartParams,
} from "./protocol/project";
import type { PermissionResult, Question, RulesResult, SaveParams, SaveResult } from "./protocol/question";
import type {
  CancelParams,
  CompactParams,
  ExportParams,
  ListCommandsResult,
  ListSessionsParams,
  ListSessionsResult,
  LoadSessionParams,
  LoadSessionResult,
  NewSessionParams,
  PromptParams,
  PromptResult,
  QueueParams,
  RenameParams,
  SessionParams,
  SessionResult,
  SetModeParams,
  SetModelParams,
} from "./protocol/session";
import type {
  FollowParams,
  InputParams,
  ListTasksParams,
  ListTasksResult,
  OutputParams,
  OutputResult,
  PromoteParams,
  ReportTaskParams,
  RerunParams,
  SetPriorityParams,
  StartTaskParams,
  StartTaskResult,
  TaskOutputParams,
  TaskParams,
  TaskResult,
  TaskSnapshotParams,
  TaskStatusParams,
  TestResults,
  TestResultsParams,
  TestResultsTold,
} from "./protocol/task";
import type { UpdateParams } from "./protocol/update";

export type * from "./protocol/change";
export type * from "./protocol/content";
export type * from "./protocol/diagnostics";
export type * from "./protocol/model";
export type * from "./protocol/project";
export type * from "./protocol/question";
export type * from "./protocol/session";
export type * from "./protocol/task";
export type * from "./protocol/update";

export const VERSION = 1;

/** Error codes beside JSON-RPC's own. */
export const code = {
  unknownSession: -32010,
  unknownTask: -32011,
  /** The state forbids it. */
  state: -32012,
} as const;

/** `error.data`. */
export interface ErrorData {
  /** A word for programs. */
  kind: string;
  field: string | null;
  /** What to do, in a sentence. */
  remedy: string | null;
}

/** What the client says of itself in `capabilities.experimental.pillion`. */
export interface ClientCapability {
  version: number;
  sessionUpdates: boolean;
  requestPermission: boolean;
  documentSave: boolean;
  models: boolean;
  diagnostics: boolean;
  /** It offers the actions at problems itself. */
  codeActions: boolean;
  /** A word of at most 256 bytes that the window keeps across reloads. */
  clientToken?: string;
}

/** What the server answers there. */
export interface ServerCapability {
  version: number;
  instanceId: string;
}

/** An answer that says nothing. */
export type Empty = Record<string, never>;

/** Requests of the client. */
export interface Requests {
  "pillion/session/new": { params: NewSessionParams; result: SessionResult };
  "pillion/session/list": { params: ListSessionsParams; result: ListSessionsResult };
  "pillion/session/load": { params: LoadSessionParams; result: LoadSessionResult };
  "pillion/session/prompt": { params: PromptParams; result: PromptResult };
  "pillion/session/queue": { params: QueueParams; result: Empty };
  "pillion/session/set_mode": { params: SetModeParams; result: Empty };
  "pillion/session/set_model": { params: SetModelParams; result: Empty };
  "pillion/session/rename": { params: RenameParams; result: Empty };
  "pillion/session/delete": { params: SessionParams; result: Empty };
  "pillion/session/compact": { params: CompactParams; result: Empty };
  "pillion/session/context": { params: SessionParams; result: { text: string } };
  "pillion/session/export": { params: ExportParams; result: { text: string } };
  "pillion/command/list": { params: Empty; result: ListCommandsResult };
  "pillion/model/list": { params: ModelListParams; result: ModelListResult };
  "pillion/secret/set": { params: SetSecretParams; result: Empty };
  "pillion/change/list": { params: ChangeParams; result: ChangesResult };
  "pillion/change/accept": { params: ChangeParams; result: ChangesResult };
  "pillion/change/revert": { params: ChangeParams; result: ChangesResult };
  "pillion/permission/list": { params: Empty; result: RulesResult };
  "pillion/permission/remove": { params: { rule: string }; result: Empty };
  "pillion/project/commands": { params: ProjectCommandsParams; result: ProjectCommandsResult };
  "workspace/executeCommand": { params: ProjectRunParams | ServiceStartParams; result: StartTaskResult };
  "pillion/task/start": { params: StartTaskParams; result: StartTaskResult };
  "pillion/task/report": { params: ReportTaskParams; result: TaskResult };
  "pillion/task/list": { params: ListTasksParams; result: ListTasksResult };
  "pillion/task/get": { params: TaskParams; result: TaskResult };
  "pillion/task/output": { params: OutputParams; result: OutputResult };
  "pillion/task/follow": { params: FollowParams; result: Empty };
  "pillion/task/stop": { params: TaskParams; result: TaskResult };
  "pillion/task/promote": { params: PromoteParams; result: TaskResult };
  "pillion/task/input": { params: InputParams; result: Empty };
  "pillion/task/rerun": { params: RerunParams; result: TaskResult };
  "pillion/task/dismiss": { params: TaskParams; result: Empty };
  "pillion/task/set_priority": { params: SetPriorityParams; result: Empty };
  "pillion/task/withhold": { params: TaskParams; result: Empty };
  "pillion/test/results": { params: TestResultsParams; result: TestResults };
}

/** Notifications of the client. */
export interface ClientNotifications {
  "pillion/session/cancel": CancelParams;
  "pillion/model/offer": OfferModelsParams;
  "pillion/model/chunk": ModelChunkParams;
}

/** Notifications of the server. */
export interface ServerNotifications {
  "pillion/session/update": UpdateParams;
  "pillion/task/status": TaskStatusParams;
  "pillion/task/snapshot": TaskSnapshotParams;
  "pillion/task/output": TaskOutputParams;
  "pillion/test/results": TestResultsTold;
}

/** Requests of the server. */
export interface ServerRequests {
  "pillion/session/request_permission": { params: Question; result: PermissionResult };
  "pillion/document/save": { params: SaveParams; result: SaveResult };
  "pillion/diagnostics/get": { params: DiagnosticsParams; result: DiagnosticsResult };
  "pillion/model/complete": { params: CompleteParams; result: CompleteResult };
}
