import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { GrpcService_GoogleGrpcSchema } from '../../../proxy/api/gen/envoy/config/core/v3/grpc_service_pb.js';
import { compileEnvironment } from '../../../proxy/server/compiler.ts';
import { googleServer } from '../../../proxy/server/discovery/google-server.ts';
import { makeAuthority } from '../../support/certificates.ts';

const environment = compileEnvironment(new Map(), null);

function server(filename: string, targetUri: string) {
  const rootCerts = { specifier: { case: 'filename', value: filename } } as const;
  const credentialSpecifier = { case: 'sslCredentials', value: { rootCerts } } as const;
  const message = create(GrpcService_GoogleGrpcSchema, {
    ...{ targetUri, statPrefix: 'x', channelCredentials: { credentialSpecifier } },
  });
  return googleServer(message, environment);
}

t.test('the same object as long as nothing changed, another one when files have', async (t) => {
  const directory = t.testdir({ 'root.pem': makeAuthority().pem });
  const file = join(directory, 'root.pem');
  const { tls } = server(file, 'dns:///xds.test:1');
  const first = tls();
  t.equal(tls(), first);
  t.same([first?.serverName, first?.expectedName], ['xds.test', 'xds.test']);
  writeFileSync(`${file}.new`, makeAuthority({ subject: 'next', keyLabel: 'next' }).pem);
  renameSync(`${file}.new`, file);
  const second = tls();
  t.not(second, first);
  t.equal(tls(), second);
  writeFileSync(file, '');
  t.throws(() => tls(), /root_certs/, 'nobody is connected to without them');
});

t.test('an address is no SNI, and has to be in the certificate all the same', async (t) => {
  const file = join(t.testdir({ 'root.pem': makeAuthority().pem }), 'root.pem');
  const tls = server(file, 'ipv4:10.0.0.1:1').tls();
  t.same([tls?.serverName, tls?.expectedName], ['', '10.0.0.1']);
});
