// Where access lines go and which, compiled from config.accesslog.v3.AccessLog.
import type { AccessLogFilter, Formatter } from '../formatter/formatter.ts';

/** One access log of a listener, connection manager, router or the admin interface. */
export interface AccessLogConfig {
  /** null: every exchange. */
  readonly filter: AccessLogFilter | null;
  readonly sink: AccessLogSinkConfig;
  /** Makes one line, its newline included. */
  readonly formatter: Formatter;
}

/** The file logger's path, or one of the standard streams. */
export type AccessLogSinkConfig =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'stderr' };
