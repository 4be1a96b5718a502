// What to put into a configuration so that it uses files which were just made.

import { WORKLOAD_FILES } from '../../ca/credential-files.ts';
import type { WantedName } from '../../ca/identity.ts';

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';

/** Files of one workload. */
export interface WorkloadFolder {
  readonly dir: string;
  readonly names: readonly WantedName[];
}

/** Two transport sockets: for a filter chain of the server, and for a cluster of the client. */
export function configurationHint(folders: {
  readonly client: WorkloadFolder;
  readonly server: WorkloadFolder;
}): string {
  const { client, server } = folders;
  return [
    '',
    'In a filter chain of a listener: only clients that the root certified get in.',
    ...transportSocket('DownstreamTlsContext', [
      'require_client_certificate: true',
      ...commonContext(server.dir, sanMatch(client)),
    ]),
    '',
    'In a cluster: its hosts must be certified by the root, and this is shown to them.',
    ...transportSocket('UpstreamTlsContext', commonContext(client.dir, sanMatch(server))),
    '',
    '',
  ].join('\n');
}

function transportSocket(context: string, lines: readonly string[]): readonly string[] {
  return [
    'transport_socket:',
    '  name: envoy.transport_sockets.tls',
    '  typed_config:',
    `    "@type": ${TLS}.${context}`,
    ...lines.map((line) => `    ${line}`),
  ];
}

function commonContext(dir: string, trusted: string): readonly string[] {
  const { chain, key, root } = WORKLOAD_FILES;
  const quoted = (name: string): string => JSON.stringify(`${dir}/${name}`);
  return [
    'common_tls_context:',
    '  tls_certificates:',
    `  - certificate_chain: {filename: ${quoted(chain)}}`,
    `    private_key: {filename: ${quoted(key)}}`,
    '  validation_context:',
    `    trusted_ca: {filename: ${quoted(root)}}`,
    ...(trusted === '' ? [] : ['    match_typed_subject_alt_names:', `    - ${trusted}`]),
  ];
}

/** The peer's own name; the first of its kind that a matcher knows. */
function sanMatch({ names }: WorkloadFolder): string {
  const name = names.find(({ kind }) => kind === 'uri') ?? names[0];
  if (name === undefined) return '';
  const type = { uri: 'URI', dns: 'DNS', ip: 'IP_ADDRESS' }[name.kind];
  return `{san_type: ${type}, matcher: {exact: ${JSON.stringify(name.value)}}}`;
}
