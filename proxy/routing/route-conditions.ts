// What a route asks of a request besides its path: one object a condition. Each has two faces: a
// fast one for requests, and a slow one that tells people why it failed.
import { cookieValue } from '../http/cookie.ts';
import { hasGrpcType } from '../http/grpc.ts';
import type { RequestHead } from '../http/message.ts';
import { joinedRequestField } from '../http/request-field.ts';
import { peerCertificateOf } from '../http/tls-info.ts';
import { filterStateText } from '../model/filter-state-text.ts';
import { matchesFilterState, matchesMetadata, metadataAt } from '../model/match-metadata.ts';
import { matchesHeader, matchesString } from '../model/match-value.ts';
import type {
  CookieMatchConfig,
  FilterStateMatchConfig,
  HeaderMatchConfig,
  MetadataMatchConfig,
  QueryParameterMatchConfig,
  RouteMatchConfig,
  TlsContextMatchConfig,
} from '../model/route-match.ts';
import { metadataMismatch, valueMismatch } from './match-words.ts';
import { matchesQueryParameter, queryParameter } from './query-parameters.ts';
import type { RouteMatchInput } from './route-table.ts';

const PARTS = 1_000_000;

/** A condition of a route. */
export interface RouteCondition {
  matches(head: RequestHead, input: RouteMatchInput): boolean;
  /** Why it failed, with the value that failed it; of use only where `matches` says false. */
  mismatch(head: RequestHead, input: RouteMatchInput): string;
}

/** The conditions of a RouteMatch but for its path, in Envoy's order. */
export function compileConditions(config: RouteMatchConfig): readonly RouteCondition[] {
  const { runtimeFractionPpm, grpcOnly, tlsContext } = config;
  return [
    ...(runtimeFractionPpm === null ? [] : [new FractionCondition(config)]),
    ...(grpcOnly ? [GRPC] : []),
    ...config.headers.map((header) => new HeaderCondition(header)),
    ...config.queryParameters.map((parameter) => new QueryParameterCondition(parameter)),
    ...config.cookies.map((cookie) => new CookieCondition(cookie)),
    ...(tlsContext === null ? [] : [new TlsContextCondition(tlsContext)]),
    ...config.dynamicMetadata.map((matcher) => new MetadataCondition(matcher)),
    ...config.filterState.map((matcher) => new FilterStateCondition(matcher)),
  ];
}

class FractionCondition implements RouteCondition {
  readonly #config: RouteMatchConfig;

  /** The share is read for each request: runtime may change it. */
  constructor(config: RouteMatchConfig) {
    this.#config = config;
  }

  matches(_head: RequestHead, { streamRandom }: RouteMatchInput): boolean {
    return streamRandom % PARTS < (this.#config.runtimeFractionPpm ?? PARTS);
  }

  mismatch(_head: RequestHead, { streamRandom }: RouteMatchInput): string {
    const share = `runtime_fraction: ${(this.#config.runtimeFractionPpm ?? PARTS) / 10_000} %`;
    return `${share}, and the request's random number ${streamRandom} is not in it`;
  }
}

const GRPC: RouteCondition = Object.freeze({
  matches: (head: RequestHead) => hasGrpcType(head.headers),
  mismatch: (head: RequestHead) => {
    const type = head.headers.getByName('content-type');
    const found = type === null ? 'has no content-type' : `is '${type}'`;
    return `grpc: the request ${found}, not application/grpc`;
  },
});

class HeaderCondition implements RouteCondition {
  readonly #config: HeaderMatchConfig;

  constructor(config: HeaderMatchConfig) {
    this.#config = config;
  }

  matches(head: RequestHead): boolean {
    return matchesHeader(this.#config, head);
  }

  mismatch(head: RequestHead): string {
    const { name, match, invert, treatMissingAsEmpty } = this.#config;
    const value = joinedRequestField(head, name);
    if (match.kind === 'present') {
      return `header '${name}' is ${value === null ? 'missing' : 'present'}`;
    }
    if (value !== null) return `header '${name}': ${valueMismatch(match, value, invert)}`;
    if (!treatMissingAsEmpty) return `header '${name}' is missing`;
    return `header '${name}', missing and so empty: ${valueMismatch(match, '', invert)}`;
  }
}

class QueryParameterCondition implements RouteCondition {
  readonly #config: QueryParameterMatchConfig;

  constructor(config: QueryParameterMatchConfig) {
    this.#config = config;
  }

  matches(head: RequestHead): boolean {
    return matchesQueryParameter(this.#config, head.path);
  }

  mismatch(head: RequestHead): string {
    const { name, match } = this.#config;
    const value = queryParameter(head.path, name);
    if (value === null) return `query parameter '${name}' is missing`;
    if (match.kind === 'present') return `query parameter '${name}' is present`;
    return `query parameter '${name}': ${valueMismatch(match, value, false)}`;
  }
}

class CookieCondition implements RouteCondition {
  readonly #config: CookieMatchConfig;

  constructor(config: CookieMatchConfig) {
    this.#config = config;
  }

  matches({ headers }: RequestHead): boolean {
    const { name, match, invert } = this.#config;
    const value = cookieValue(headers, name);
    return value === null ? invert : matchesString(match, value) !== invert;
  }

  mismatch({ headers }: RequestHead): string {
    const { name, match, invert } = this.#config;
    const value = cookieValue(headers, name);
    if (value === null) return `cookie '${name}' is missing`;
    return `cookie '${name}': ${valueMismatch(match, value, invert)}`;
  }
}

class TlsContextCondition implements RouteCondition {
  readonly #config: TlsContextMatchConfig;

  constructor(config: TlsContextMatchConfig) {
    this.#config = config;
  }

  matches(_head: RequestHead, { info }: RouteMatchInput): boolean {
    const { presented, validated } = this.#config;
    const { tls } = info.downstream;
    const isShown = peerCertificateOf(tls) !== null;
    if (presented !== null && presented !== isShown) return false;
    return validated === null || validated === (isShown && tls?.isPeerValidated === true);
  }

  mismatch(_head: RequestHead, { info }: RouteMatchInput): string {
    const { tls } = info.downstream;
    if (peerCertificateOf(tls) === null) return 'tls_context: the client showed no certificate';
    return tls?.isPeerValidated === true
      ? 'tls_context: the client showed a validated certificate'
      : 'tls_context: the client showed a certificate that was not validated';
  }
}

class MetadataCondition implements RouteCondition {
  readonly #config: MetadataMatchConfig;

  constructor(config: MetadataMatchConfig) {
    this.#config = config;
  }

  matches(_head: RequestHead, { info }: RouteMatchInput): boolean {
    return matchesMetadata(this.#config, info.dynamicMetadata);
  }

  mismatch(_head: RequestHead, { info }: RouteMatchInput): string {
    const { namespace, path, match, invert } = this.#config;
    const value = metadataAt(this.#config, info.dynamicMetadata);
    const place = [namespace, ...path].join(':');
    return `dynamic metadata '${place}' ${metadataMismatch(match, value, invert)}`;
  }
}

class FilterStateCondition implements RouteCondition {
  readonly #config: FilterStateMatchConfig;

  constructor(config: FilterStateMatchConfig) {
    this.#config = config;
  }

  matches(_head: RequestHead, { info }: RouteMatchInput): boolean {
    return matchesFilterState(this.#config, filterStateText(info, this.#config.key));
  }

  mismatch(_head: RequestHead, { info }: RouteMatchInput): string {
    const { key, match } = this.#config;
    const text = filterStateText(info, key);
    if (text === null) return `filter state '${key}' is missing`;
    if (match.kind === 'string') {
      return `filter state '${key}': ${valueMismatch(match.match, text, false)}`;
    }
    const networks = match.invert ? 'is in one of the ranges' : 'is in none of the ranges';
    return `filter state '${key}': '${text}' ${networks}`;
  }
}
