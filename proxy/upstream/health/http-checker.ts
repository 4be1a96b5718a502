// Asks a host by HTTP/1.1 or HTTP/2, and judges its response.
import { HeaderList } from '../../http/header-list.ts';
import { HEADER_ID } from '../../http/header-names.ts';
import { RequestHead, type ResponseHead } from '../../http/message.ts';
import type { HttpCheckConfig, StatusRange } from '../../model/health-check.ts';
import { matchesString } from '../../model/match-value.ts';
import type { ClientCodecSetup } from '../upstream-context.ts';
import { CheckConnection, type CheckConnectionOwner } from './check-connection.ts';
import {
  type Checker,
  type CheckerHandler,
  type CheckTarget,
  checkAuthority,
  checkScheme,
  NETWORK_FAILURE,
} from './checker.ts';
import { PayloadMatcher } from './payload-matcher.ts';
import { RequestMutator } from './request-mutator.ts';

/** What Envoy's checkers call themselves. */
export const CHECKER_AGENT = 'Envoy/HC';

const IMMEDIATE_FAIL = HEADER_ID['x-envoy-immediate-health-check-fail'];
const DEGRADED = 'x-envoy-degraded';
const SERVICE = 'x-envoy-upstream-healthchecked-cluster';

/** See the file's head. */
export class HttpChecker implements Checker, CheckConnectionOwner {
  readonly #config: HttpCheckConfig;
  readonly #target: CheckTarget;
  readonly #handler: CheckerHandler;
  readonly #mutator: RequestMutator;
  readonly #setup: ClientCodecSetup;
  readonly #content: Buffer;
  readonly #matcher: PayloadMatcher;
  #connection: CheckConnection | null = null;
  #response: ResponseHead | null = null;
  /** Octets of the response's content that may still be looked at. */
  #contentLeft = 0;

  constructor(config: HttpCheckConfig, target: CheckTarget, handler: CheckerHandler) {
    this.#config = config;
    this.#target = target;
    this.#handler = handler;
    this.#mutator = new RequestMutator(target, config.addHeaders, config.removeHeaders);
    this.#setup = codecSetup(config.protocol, target);
    this.#content = Buffer.from(config.send);
    this.#matcher = new PayloadMatcher(config.receive);
  }

  check(): void {
    this.#response = null;
    this.#matcher.reset();
    this.#contentLeft = this.#config.responseBufferBytes || Number.POSITIVE_INFINITY;
    this.#usableConnection().ask({ head: this.#head(), content: this.#content });
  }

  abandon(): void {
    this.close();
  }

  close(): void {
    this.#connection?.drop();
    this.#connection = null;
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    this.#response = head;
    if (endStream) this.#complete(head);
  }

  onData(data: Buffer, endStream: boolean): void {
    const seen = data.subarray(0, this.#contentLeft);
    this.#contentLeft -= seen.length;
    this.#matcher.add(seen);
    if (endStream && this.#response !== null) this.#complete(this.#response);
  }

  onTrailers(): void {
    if (this.#response !== null) this.#complete(this.#response);
  }

  onBrokenOff(detail: string): void {
    this.close();
    this.#log('connection_failure', detail);
    this.#handler.onFailed(NETWORK_FAILURE);
  }

  #usableConnection(): CheckConnection {
    if (this.#connection?.isUsable === true) return this.#connection;
    this.#connection?.drop();
    this.#connection = new CheckConnection(this.#target, this.#setup, this);
    return this.#connection;
  }

  #head(): RequestHead {
    const { method, path, protocol, host } = this.#config;
    const target = {
      path,
      authority: checkAuthority(this.#target, host),
      scheme: checkScheme(this.#target),
    };
    const headers = HeaderList.of('user-agent', CHECKER_AGENT);
    const version = protocol === 'http2' ? 'HTTP/2' : 'HTTP/1.1';
    const head = new RequestHead(version, method, target, headers);
    this.#mutator.apply(head);
    const { length } = this.#content;
    if (length > 0) headers.set('content-length', String(length));
    return head;
  }

  #complete(response: ResponseHead): void {
    this.#response = null;
    if (this.#target.cluster.healthCheck?.reusesConnection !== true) this.close();
    this.#judge(response);
  }

  #judge(response: ResponseHead): void {
    const { status, headers } = response;
    const { expectedStatuses, retriableStatuses, receive } = this.#config;
    if (receive.length > 0 && !this.#matcher.hasAll) {
      this.#fail(response, { reason: 'payload_mismatch', isRetriable: false });
    } else if (!isIn(expectedStatuses, status)) {
      const isRetriable = isIn(retriableStatuses, status);
      this.#fail(response, { reason: 'unexpected_status', isRetriable });
    } else if (!this.#isRightService(headers)) {
      this.#log('service_name_mismatch', String(status));
      this.#handler.onFailed({ type: 'ACTIVE', isRetriable: false, isImmediate: false, status });
    } else {
      this.#handler.onPassed(headers.getByName(DEGRADED) !== null);
    }
  }

  #isRightService(headers: HeaderList): boolean {
    const { serviceName } = this.#config;
    if (serviceName === null) return true;
    this.#target.stats.verifyCluster.inc();
    return matchesString(serviceName, headers.getByName(SERVICE) ?? '');
  }

  #fail(
    { status, headers }: ResponseHead,
    { reason, isRetriable }: { readonly reason: string; readonly isRetriable: boolean },
  ): void {
    this.#log(reason, String(status));
    const isImmediate = headers.get(IMMEDIATE_FAIL) !== null;
    this.#handler.onFailed({ type: 'ACTIVE', isRetriable, isImmediate, status });
  }

  #log(reason: string, detail: string): void {
    const { services, cluster, hostAddress } = this.#target;
    const fields = { cluster: cluster.name, host: hostAddress.text, reason, detail };
    services.log.log('debug', 'health check failed', fields);
  }
}

/** Codecs of checks in a protocol, with what their cluster says about it. */
export function codecSetup(protocol: 'http1' | 'http2', target: CheckTarget): ClientCodecSetup {
  const { services, cluster } = target;
  const { http } = cluster;
  if (protocol === 'http1') return { protocol, http, random: services.random };
  return { protocol, http, services: services.codecServices, counters: target.http2Counters() };
}

function isIn(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(({ start, end }) => status >= start && status < end);
}
