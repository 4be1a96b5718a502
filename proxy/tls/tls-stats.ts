// `listener.<address>.ssl.*` and `cluster.<name>.ssl.*`, with Envoy's names in camel case, and the
// counters of the factories beside them. Made for contexts only: clear text has none of it.
import type { TlsInfo } from '../http/tls-info.ts';
import type { Counter, StatsScope } from '../stats/metrics.ts';
import type { PeerRefusal } from './peer-verifier.ts';

/** Found once when a context is made. */
export class TlsStats {
  readonly connectionError: Counter;
  readonly handshake: Counter;
  readonly sessionReused: Counter;
  readonly noCertificate: Counter;
  readonly failVerifyNoCert: Counter;
  readonly failVerifyError: Counter;
  readonly failVerifySan: Counter;
  readonly failVerifyCertHash: Counter;
  readonly ocspStapleFailed: Counter;
  readonly ocspStapleOmitted: Counter;
  readonly ocspStapleRequests: Counter;
  readonly ocspStapleResponses: Counter;
  readonly contextUpdateBySds: Counter;
  readonly secretsNotReady: Counter;
  readonly #scope: StatsScope;
  /** `ciphers.<name>` and its likes, which come with the first handshake that used one. */
  readonly #named = new Map<string, Counter>();

  /** `owner` is `listener.<address>.` or `cluster.<name>.` */
  constructor(owner: StatsScope, side: 'server' | 'client') {
    const scope = owner.scope('ssl');
    this.#scope = scope;
    this.connectionError = scope.counter('connection_error');
    this.handshake = scope.counter('handshake');
    this.sessionReused = scope.counter('session_reused');
    this.noCertificate = scope.counter('no_certificate');
    this.failVerifyNoCert = scope.counter('fail_verify_no_cert');
    this.failVerifyError = scope.counter('fail_verify_error');
    this.failVerifySan = scope.counter('fail_verify_san');
    this.failVerifyCertHash = scope.counter('fail_verify_cert_hash');
    this.ocspStapleFailed = scope.counter('ocsp_staple_failed');
    this.ocspStapleOmitted = scope.counter('ocsp_staple_omitted');
    this.ocspStapleRequests = scope.counter('ocsp_staple_requests');
    this.ocspStapleResponses = scope.counter('ocsp_staple_responses');
    const factory = owner.scope(`${side}_ssl_socket_factory`);
    this.contextUpdateBySds = factory.counter('ssl_context_update_by_sds');
    const down = factory.counter('downstream_context_secrets_not_ready');
    const up = factory.counter('upstream_context_secrets_not_ready');
    this.secretsNotReady = side === 'server' ? down : up;
  }

  /** A handshake whose peer was accepted. */
  countHandshake({ cipher, group, version, isResumed, peerChain }: TlsInfo): void {
    this.handshake.inc();
    if (isResumed) this.sessionReused.inc();
    if (peerChain.length === 0) this.noCertificate.inc();
    this.#count(`ciphers.${cipher}`);
    if (group !== '') this.#count(`curves.${group}`);
    this.#count(`versions.${version}`);
  }

  countRefusal({ stat }: PeerRefusal): void {
    switch (stat) {
      case 'fail_verify_no_cert':
        this.failVerifyNoCert.inc();
        break;
      case 'fail_verify_error':
        this.failVerifyError.inc();
        break;
      case 'fail_verify_san':
        this.failVerifySan.inc();
        break;
      case 'fail_verify_cert_hash':
        this.failVerifyCertHash.inc();
        break;
    }
  }

  #count(name: string): void {
    let counter = this.#named.get(name);
    if (counter === undefined) {
      counter = this.#scope.counter(name);
      this.#named.set(name, counter);
    }
    counter.inc();
  }
}
