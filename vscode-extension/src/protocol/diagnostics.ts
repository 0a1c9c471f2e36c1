/** Diagnostics in LSP's types: those that the server publishes, and the editor's own, for which it asks. */

export interface LspPosition {
  line: number;
  character: number;
}

export interface LspRange {
  start: LspPosition;
  end: LspPosition;
}

export interface Diagnostic {
  range: LspRange;
  severity?: 1 | 2 | 3 | 4;
  source?: string;
  code?: string | number;
  message: string;
  data?: unknown;
}

/** `data` of a diagnostic with the source `pillion`. */
export interface DiagnosticData {
  taskId: string;
  run: number;
  tool: string;
  test: string | null;
  /** All tests that failed so: several where it stands for a group. */
  tests: string[];
  /** The service of a compose file whose start would repair it. */
  service: string | null;
}

export interface DiagnosticsParams {
  /** A file; all when it is null. */
  uri: string | null;
}

export interface FileDiagnostics {
  uri: string;
  diagnostics: Diagnostic[];
}

export interface DiagnosticsResult {
  diagnostics: FileDiagnostics[];
}
