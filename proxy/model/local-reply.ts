// What becomes of replies that the proxy makes itself, compiled from LocalReplyConfig of
// extensions.filters.network.http_connection_manager.v3.
import type { AccessLogFilter, Formatter } from '../formatter/formatter.ts';
import type { MessageMutations } from './header-mutations.ts';

/** LocalReplyConfig */
export interface LocalReplyConfig {
  /** In order: the first whose filter accepts a reply changes it. */
  readonly mappers: readonly ResponseMapperConfig[];
  /** Of replies whose mapper has none of its own; null: bodies stay as they are. */
  readonly bodyFormat: BodyFormatConfig | null;
}

/** ResponseMapper; null: keep. */
export interface ResponseMapperConfig {
  readonly filter: AccessLogFilter;
  /** 200 to 599. */
  readonly status: number | null;
  readonly body: string | null;
  readonly headers: MessageMutations | null;
  /** body_format_override */
  readonly bodyFormat: BodyFormatConfig | null;
}

/** SubstitutionFormatString of a body. */
export interface BodyFormatConfig {
  /** Gives octets as a byte string; `%LOCAL_REPLY_BODY%` is the body so far. */
  readonly formatter: Formatter;
  /** '' where that of plain text is but a default. */
  readonly contentType: string;
}
