// Asks a host by gRPC's own health service (grpc.health.v1.Health/Check).
import { grpcStatusIn, grpcStatusOfHttp, grpcTimeoutText, hasGrpcType } from '../../http/grpc.ts';
import { HeaderList } from '../../http/header-list.ts';
import { RequestHead, type ResponseHead } from '../../http/message.ts';
import type { GrpcCheckConfig } from '../../model/health-check.ts';
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
import { GrpcHealthReader, healthRequest } from './grpc-health-message.ts';
import { CHECKER_AGENT, codecSetup } from './http-checker.ts';
import { RequestMutator } from './request-mutator.ts';

const PATH = '/grpc.health.v1.Health/Check';
const GRPC_OK = 0;
const GRPC_INTERNAL = 13;
/** HTTP/2 OK: every other status stands for one of gRPC. */
const HTTP_OK = 200;

/** See the file's head. */
export class GrpcChecker implements Checker, CheckConnectionOwner {
  readonly #config: GrpcCheckConfig;
  readonly #target: CheckTarget;
  readonly #handler: CheckerHandler;
  readonly #mutator: RequestMutator;
  readonly #setup: ClientCodecSetup;
  readonly #content: Buffer;
  #connection: CheckConnection | null = null;
  #reader = new GrpcHealthReader();
  /** A check is under way. */
  #isAsking = false;

  constructor(config: GrpcCheckConfig, target: CheckTarget, handler: CheckerHandler) {
    this.#config = config;
    this.#target = target;
    this.#handler = handler;
    this.#mutator = new RequestMutator(target, config.addHeaders);
    this.#setup = codecSetup('http2', target);
    this.#content = healthRequest(config.serviceName);
  }

  check(): void {
    this.#reader = new GrpcHealthReader();
    this.#isAsking = true;
    this.#usableConnection().ask({ head: this.#head(), content: this.#content });
  }

  abandon(): void {
    this.#isAsking = false;
    if (this.#reuses()) this.#connection?.giveUp();
    else this.close();
  }

  close(): void {
    this.#isAsking = false;
    this.#connection?.drop();
    this.#connection = null;
  }

  onResponseHead({ status, headers }: ResponseHead, endStream: boolean): void {
    const grpcStatus = endStream ? grpcStatusIn(headers) : null;
    if (grpcStatus !== null) this.#end(grpcStatus, true);
    else if (status !== HTTP_OK) this.#end(grpcStatusOfHttp(status), endStream);
    else if (endStream || !hasGrpcType(headers)) this.#end(GRPC_INTERNAL, endStream);
  }

  onData(data: Buffer, endStream: boolean): void {
    if (!this.#isAsking) return;
    // gRPC ends with trailers.
    if (endStream || !this.#reader.add(data)) this.#end(GRPC_INTERNAL, endStream);
  }

  onTrailers(trailers: HeaderList): void {
    this.#end(grpcStatusIn(trailers) ?? GRPC_INTERNAL, true);
  }

  onBrokenOff(detail: string): void {
    if (!this.#isAsking) return;
    this.#isAsking = false;
    const { services, cluster, hostAddress } = this.#target;
    const fields = { cluster: cluster.name, host: hostAddress.text, detail };
    services.log.log('debug', 'health check failed', { ...fields, reason: 'connection_failure' });
    if (!this.#reuses()) this.close();
    this.#handler.onFailed(NETWORK_FAILURE);
  }

  #end(grpcStatus: number, isComplete: boolean): void {
    if (!this.#isAsking) return;
    this.#isAsking = false;
    const hasPassed = grpcStatus === GRPC_OK && this.#reader.isServing;
    if (!this.#reuses()) this.close();
    else if (!isComplete) this.#connection?.giveUp();
    if (hasPassed) this.#handler.onPassed(false);
    else this.#handler.onFailed(NOT_SERVING);
  }

  #reuses(): boolean {
    return this.#target.cluster.healthCheck?.reusesConnection === true;
  }

  #usableConnection(): CheckConnection {
    if (this.#connection?.isUsable === true) return this.#connection;
    this.#connection?.drop();
    this.#connection = new CheckConnection(this.#target, this.#setup, this);
    return this.#connection;
  }

  #head(): RequestHead {
    const authority = checkAuthority(this.#target, this.#config.authority);
    const headers = HeaderList.of(
      ...['te', 'trailers', 'content-type', 'application/grpc', 'user-agent', CHECKER_AGENT],
    );
    const target = { path: PATH, authority, scheme: checkScheme(this.#target) };
    const head = new RequestHead('HTTP/2', 'POST', target, headers);
    this.#mutator.apply(head);
    const timeoutMs = this.#target.cluster.healthCheck?.timeoutMs ?? 0;
    headers.set('grpc-timeout', grpcTimeoutText(timeoutMs));
    return head;
  }
}

const NOT_SERVING = Object.freeze({
  type: 'ACTIVE',
  isRetriable: false,
  isImmediate: false,
  status: 0,
} as const);
