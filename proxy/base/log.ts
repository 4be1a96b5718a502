// Diagnostics: levels and components as in Envoy; the sink that writes them lives in server/.

/** Log levels in rising order of severity, with Envoy's names. */
export const LOG_LEVELS = [
  'trace',
  'debug',
  'info',
  'warning',
  'error',
  'critical',
  'off',
] as const;

/** One of LOG_LEVELS. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Named values that belong to a message; values are printed, never parsed. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Where diagnostics of one component go. Build costly text only behind `enabled`. */
export interface Logger {
  /** True when a message of this level would be written. */
  enabled(level: LogLevel): boolean;
  /** Writes one line. `fields` become JSON members, or `key=value` on a terminal. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** Makes a logger per component (`main`, `config`, `upstream`, `http`, `admin` …). */
export interface LogSink {
  logger(component: string): Logger;
}

/** A sink that drops everything: for tests and for tools that print their own errors. */
export const SILENT_LOG: LogSink = {
  logger: () => ({ enabled: () => false, log: () => undefined }),
};
