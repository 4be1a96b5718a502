// local_reply_config at work: gives replies of the proxy itself another status, body and fields.
import { utf8Bytes } from '../../../formatter/byte-text.ts';
import type { AccessLogFilter, FormatContext } from '../../../formatter/formatter.ts';
import type { ResponseHead } from '../../../http/message.ts';
import type {
  BodyFormatConfig,
  LocalReplyConfig,
  ResponseMapperConfig,
} from '../../../model/local-reply.ts';
import { HeaderMutator } from '../../../routing/header-mutator.ts';
import { SINGLE_LINE_IN_RESPONSES } from '../../../routing/single-line-fields.ts';

/** The stream whose reply is rewritten; formats read the body from it. */
export interface RewrittenStream extends FormatContext {
  localReplyBody: string;
}

/** What a reply's body became. */
export interface RewrittenBody {
  /** Octets as a byte string. */
  readonly bytes: string;
  readonly contentType: string;
}

/** One mapper, its field work compiled. */
interface Mapper {
  readonly filter: AccessLogFilter;
  readonly status: number | null;
  readonly body: string | null;
  readonly mutator: HeaderMutator | null;
  readonly bodyFormat: BodyFormatConfig | null;
}

const TEXT = 'text/plain';

/** One per connection manager that has a local_reply_config. */
export class LocalReplyRewriter {
  readonly #mappers: readonly Mapper[];
  readonly #bodyFormat: BodyFormatConfig | null;

  constructor(config: LocalReplyConfig) {
    this.#mappers = config.mappers.map(makeMapper);
    this.#bodyFormat = config.bodyFormat;
  }

  /** Changes `head` in place, and says what the reply's body (as a byte string) becomes. */
  rewrite(stream: RewrittenStream, head: ResponseHead, body: string): RewrittenBody {
    // Filters and formats read the status there.
    stream.info.responseCode = head.status;
    const mapper = this.#mappers.find(({ filter }) => filter.accepts(stream)) ?? null;
    if (mapper !== null) applyMapper(mapper, stream, head);
    const mapped = mapper?.body ?? body;
    const format = mapper?.bodyFormat ?? this.#bodyFormat;
    if (format === null) return { bytes: mapped, contentType: TEXT };
    // Only the format of a body reads it: fields that a mapper adds find nothing there.
    stream.localReplyBody = mapped;
    const bytes = format.formatter.format(stream);
    stream.localReplyBody = '';
    return { bytes, contentType: format.contentType };
  }
}

function makeMapper(config: ResponseMapperConfig): Mapper {
  const { filter, status, body, headers, bodyFormat } = config;
  return {
    filter,
    status,
    body: body === null ? null : utf8Bytes(body),
    mutator: headers === null ? null : new HeaderMutator(headers, SINGLE_LINE_IN_RESPONSES),
    bodyFormat,
  };
}

function applyMapper(mapper: Mapper, stream: RewrittenStream, head: ResponseHead): void {
  mapper.mutator?.apply(head.headers, stream);
  if (mapper.status === null) return;
  head.status = mapper.status;
  stream.info.responseCode = mapper.status;
}
