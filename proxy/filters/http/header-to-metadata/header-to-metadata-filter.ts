// Applies the rules to the heads of one stream.
import { cookieValue } from '../../../http/cookie.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { RequestHead, type ResponseHead } from '../../../http/message.ts';
import { isPseudoField, pseudoField } from '../../../http/request-field.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
} from '../../http-filter.ts';
import type { MetadataRule, MetadataTarget } from './compile-rule.ts';
import { metadataValue, type ValueFailure } from './metadata-value.ts';
import type { DirectionStats, RuleStats } from './rule-stats.ts';

/** What the filters of a route share. */
export interface HeaderToMetadataRules {
  readonly request: readonly MetadataRule[];
  readonly response: readonly MetadataRule[];
  /** null: nothing is counted. */
  readonly stats: RuleStats | null;
}

/** One per stream. */
export class HeaderToMetadataFilter implements HttpFilter {
  readonly #rules: HeaderToMetadataRules;
  readonly #callbacks: HttpFilterCallbacks;

  constructor(rules: HeaderToMetadataRules, callbacks: HttpFilterCallbacks) {
    this.#rules = rules;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    const { request, stats } = this.#rules;
    for (const rule of request) this.#apply(rule, head, stats?.request ?? null);
    return CONTINUE;
  }

  onResponseHead(head: ResponseHead): FilterStatus {
    const { response, stats } = this.#rules;
    for (const rule of response) this.#apply(rule, head, stats?.response ?? null);
    return CONTINUE;
  }

  #apply(rule: MetadataRule, head: RequestHead | ResponseHead, stats: DirectionStats | null): void {
    stats?.rulesProcessed.inc();
    const found = sourceValue(rule, head);
    const target = found === null ? rule.onMissing : rule.onPresent;
    if (found === null && target !== null) stats?.headerNotFound.inc();
    if (found !== null && rule.removes) head.headers.remove(rule.name);
    if (target === null) return;
    const octets = this.#octetsFor(target, found ?? '');
    if (octets === '') return;
    const made = metadataValue(octets, target);
    if ('failure' in made) {
      this.#countFailure(made.failure);
      return;
    }
    write(this.#callbacks.info, target, made.value);
    stats?.metadataAdded.inc();
  }

  #octetsFor({ value, rewrite }: MetadataTarget, found: string): string {
    if (value !== '') return value;
    if (rewrite === null) return found;
    const rewritten = rewrite.regex.replaceAll(found, rewrite.substitution);
    if (rewritten === '' && found !== '') this.#rules.stats?.regexSubstitutionFailed.inc();
    return rewritten;
  }

  #countFailure(failure: ValueFailure): void {
    const { stats } = this.#rules;
    if (failure === 'too-long') stats?.headerValueTooLong.inc();
    else if (failure === 'not-base64') stats?.base64DecodeFailed.inc();
  }
}

/** null: there is none. Lines of one field are joined. */
function sourceValue(rule: MetadataRule, head: RequestHead | ResponseHead): string | null {
  const { source, name } = rule;
  if (source === 'cookie') return cookieValue(head.headers, name) || null;
  if (!isPseudoField(name)) return joinedValues(head.headers, name);
  if (head instanceof RequestHead) return pseudoField(head, name);
  return name === ':status' ? String(head.status) : null;
}

function joinedValues(headers: HeaderList, name: string): string | null {
  const first = headers.getByName(name);
  return first === null ? null : headers.values(name).join(',');
}

function write(info: StreamInfo, { namespace, key }: MetadataTarget, value: unknown): void {
  const metadata = info.dynamicMetadata ?? new Map<string, Record<string, unknown>>();
  info.dynamicMetadata = metadata;
  metadata.set(namespace, { ...metadata.get(namespace), [key]: value });
}
