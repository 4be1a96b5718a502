// core.v3.GrpcService.GoogleGrpc: a server that is named by its own address, not by a cluster.
import type { CertificateSecret, ValidationSecret } from './secret.ts';
import type { CommonTlsConfig } from './transport-socket.ts';

/** One item of metadata that is looked up for each call. */
export interface CallCredential {
  readonly key: string;
  /** What stands before the secret, such as `Bearer `. */
  readonly prefix: string;
  /** A file is read again for each call. */
  readonly secret:
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'file'; readonly path: string };
}

/** See the file's head; its secrets are those of the moment in which it was compiled. */
export interface GoogleGrpcConfig {
  readonly target:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string };
  /** As it is written, for diagnostics. */
  readonly targetUri: string;
  readonly authority: string;
  readonly statPrefix: string;
  /** null: clear text. */
  readonly tls: GoogleTlsConfig | null;
  readonly credentials: readonly CallCredential[];
  /** null: the default. */
  readonly keepaliveMs: number | null;
  readonly keepaliveTimeoutMs: number | null;
  readonly maxResponseBytes: number | null;
}

/** SslCredentials */
export interface GoogleTlsConfig {
  readonly parameters: Pick<
    CommonTlsConfig,
    'minVersion' | 'maxVersion' | 'ciphers' | 'groups' | 'signatureAlgorithms'
  >;
  readonly validation: ValidationSecret;
  /** null: none is shown. */
  readonly certificate: CertificateSecret | null;
  /** Whom the certificate must be for, a name or an address. */
  readonly expectedName: string;
}
