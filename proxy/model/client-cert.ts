// x-forwarded-client-cert: who may say something in it about the client, and what we say ourselves.
import type { MatchTreeConfig } from './match-tree.ts';

/** HttpConnectionManager.ForwardClientCertDetails */
export type ClientCertMode =
  | 'sanitize'
  | 'forward-only'
  | 'append-forward'
  | 'sanitize-set'
  | 'always-forward-only';

/** HttpConnectionManager.SetCurrentClientCertDetails; what is true is written. */
export interface ClientCertDetails {
  readonly cert: boolean;
  readonly chain: boolean;
  readonly subject: boolean;
  readonly uri: boolean;
  readonly dns: boolean;
  readonly issuer: boolean;
  readonly format: 'text' | 'json';
}

/** HttpConnectionManager.ForwardClientCertConfig */
export interface ClientCertPolicy {
  readonly mode: ClientCertMode;
  readonly details: ClientCertDetails;
}

/** The policy of one connection manager. */
export interface ClientCertForwarding {
  /** For each request; null: all have the policy below. */
  readonly matcher: MatchTreeConfig<ClientCertPolicy> | null;
  /** Of requests that no matcher decides on. */
  readonly policy: ClientCertPolicy;
}

/** What is written where nothing more is asked for: who we are, and the certificate's hash. */
export const NO_CLIENT_CERT_DETAILS: ClientCertDetails = Object.freeze({
  cert: false,
  chain: false,
  subject: false,
  uri: false,
  dns: false,
  issuer: false,
  format: 'text',
});

/** The field never passes: Envoy's default. */
export const SANITIZED_CLIENT_CERT: ClientCertForwarding = Object.freeze({
  matcher: null,
  policy: Object.freeze({ mode: 'sanitize', details: NO_CLIENT_CERT_DETAILS }),
});
