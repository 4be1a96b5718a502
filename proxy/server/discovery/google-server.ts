// A server of google_grpc: what its secrets are is read anew for each connection.
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { GrpcService_GoogleGrpc } from '../../api/gen/envoy/config/core/v3/grpc_service_pb.js';
import { compileGoogleGrpc } from '../../config/compile/google-grpc.ts';
import { ProblemSink } from '../../config/schema/compile-context.ts';
import type { CompileEnvironment } from '../../model/extension.ts';
import type { GoogleGrpcConfig, GoogleTlsConfig } from '../../model/google-grpc.ts';
import { makePeerVerifier } from '../../tls/make-peer-verifier.ts';
import { makeSecureContext } from '../../tls/secure-context.ts';
import type { GoogleServer } from '../../xds/open-api-source.ts';
import type { ServerTls } from '../../xds/server-tls.ts';

/** `message` passed before; throws where its files cannot be used any more. */
export function googleServer(
  message: GrpcService_GoogleGrpc,
  environment: CompileEnvironment,
): GoogleServer {
  let current: { readonly hash: string; readonly tls: ServerTls } | null = null;
  return {
    config: compiled(message, environment),
    tls: () => {
      const { tls } = compiled(message, environment);
      if (tls === null) return null;
      const hash = hashOf(tls);
      if (current?.hash !== hash) current = { hash, tls: serverTls(tls) };
      return current.tls;
    },
  };
}

function compiled(
  message: GrpcService_GoogleGrpc,
  environment: CompileEnvironment,
): GoogleGrpcConfig {
  const sink = new ProblemSink(environment, `google_grpc/${message.targetUri}`);
  const config = compileGoogleGrpc(message, sink.context());
  if (config !== null) return config;
  throw new Error(sink.rejections.map(({ path, reason }) => `${path}: ${reason}`).join('; '));
}

function serverTls({ certificate, expectedName, parameters, validation }: GoogleTlsConfig) {
  const verifier = makePeerVerifier(validation, 'server');
  return {
    context: makeSecureContext({
      ...{ common: parameters, certificate, verifier, sessions: null, prefersOwnCiphers: false },
    }),
    // RFC 6066 §3: an address is no name.
    serverName: isIP(expectedName) === 0 ? expectedName : '',
    ...{ expectedName, verifier },
  };
}

function hashOf({ certificate, validation }: GoogleTlsConfig): string {
  const hash = createHash('sha256').update(validation.trustedCaPem ?? '');
  for (const pem of [certificate?.chainPem ?? '', certificate?.keyPem ?? '']) {
    hash.update('\n').update(pem);
  }
  return hash.digest('hex');
}
