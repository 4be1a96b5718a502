// What can be measured: who speaks which protocol to whom.

/** A way from the load through the proxy to its upstream. */
export interface Scenario {
  readonly name: string;
  /** Between load and proxy. */
  readonly downstream: Protocol;
  /** Between proxy and upstream. */
  readonly upstream: Protocol;
  /** A gRPC message each way, and trailers; else GET and 90 octets. */
  readonly isGrpc: boolean;
  /** Two hops through one process, with mTLS in the client's protocol between them, and logs. */
  readonly isMesh: boolean;
}

/** In clear text, HTTP/2 with prior knowledge. */
export type Protocol = 'HTTP/1.1' | 'HTTP/2';

/** In the order of `--scenario all`. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'h1-h1', downstream: 'HTTP/1.1', upstream: 'HTTP/1.1', isGrpc: false, isMesh: false },
  { name: 'h2-h1', downstream: 'HTTP/2', upstream: 'HTTP/1.1', isGrpc: false, isMesh: false },
  { name: 'h1-h2', downstream: 'HTTP/1.1', upstream: 'HTTP/2', isGrpc: false, isMesh: false },
  { name: 'h2-h2', downstream: 'HTTP/2', upstream: 'HTTP/2', isGrpc: false, isMesh: false },
  { name: 'grpc-unary', downstream: 'HTTP/2', upstream: 'HTTP/2', isGrpc: true, isMesh: false },
  { name: 'mtls-h1', downstream: 'HTTP/1.1', upstream: 'HTTP/1.1', isGrpc: false, isMesh: true },
  { name: 'mtls-h2', downstream: 'HTTP/2', upstream: 'HTTP/1.1', isGrpc: false, isMesh: true },
];

/** Target of the requests. */
export function pathOf(scenario: Scenario): string {
  return scenario.isGrpc ? '/bench.Echo/Unary' : '/';
}

/** A gRPC message of 20 octets, in its frame. */
export const GRPC_MESSAGE = Buffer.concat([Buffer.of(0, 0, 0, 0, 20), Buffer.alloc(20, 'm')]);

/** What a gRPC request must say. */
export const GRPC_FIELDS = ['content-type: application/grpc', 'te: trailers'] as const;
