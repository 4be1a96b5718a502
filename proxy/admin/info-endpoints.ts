// Endpoints that only tell about the process: readiness, server, memory, certificates, runtime,
// listeners.
import { addressJson } from './address-json.ts';
import type { CertificateDetails } from './backend.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  jsonReply,
  textReply,
} from './endpoint.ts';
import { lineText } from './line-text.ts';

const FORMAT_PARAM = {
  id: 'format',
  help: 'File format to use',
  options: ['text', 'json'],
} as const;

/** The read-only endpoints about the process. */
export const INFO_ENDPOINTS: readonly Endpoint[] = [
  endpoint('/certs', 'print certs on machine', handleCerts),
  endpoint('/hot_restart_version', 'print the hot restart compatibility version', (_, context) =>
    textReply(`${context.backend.serverInfo().hotRestartVersion}\n`),
  ),
  {
    ...endpoint(
      '/init_dump',
      'dump current Envoy init manager information (experimental)',
      handleInitDump,
    ),
    params: [
      {
        id: 'mask',
        help: 'The desired component to dump unready targets. The mask is parsed as a Protobuf::FieldMask. For example, get the unready targets of all listeners with /init_dump?mask=listener`',
        options: [],
      },
    ],
  },
  {
    ...endpoint('/listeners', 'print listener info', handleListeners),
    params: [FORMAT_PARAM],
  },
  endpoint('/memory', 'print current allocation/heap usage', handleMemory),
  endpoint('/ready', 'print server state, return 200 if LIVE, otherwise return 503', handleReady),
  endpoint('/runtime', 'print runtime values', handleRuntime),
  endpoint('/server_info', 'print server version/status information', handleServerInfo),
];

function endpoint(path: string, help: string, handle: Endpoint['handle']): Endpoint {
  return { path, help, params: [], mutates: false, handle };
}

function handleReady(_request: AdminRequest, context: AdminContext): AdminReply {
  const state = context.backend.state();
  return textReply(`${state}\n`, state === 'LIVE' ? 200 : 503);
}

function handleServerInfo(_request: AdminRequest, context: AdminContext): AdminReply {
  const info = context.backend.serverInfo();
  return jsonReply({
    version: info.version,
    state: context.backend.state(),
    uptime_current_epoch: `${Math.floor(info.uptimeCurrentEpochS)}s`,
    uptime_all_epochs: `${Math.floor(info.uptimeAllEpochsS)}s`,
    hot_restart_version: info.hotRestartVersion,
    command_line_options: info.commandLineOptions,
    node: info.node,
  });
}

async function handleListeners(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const listeners = (await context.backend.listeners()).filter(
    (listener) => listener.addresses.length > 0,
  );
  if (request.params.get('format') !== 'json') {
    const lines = listeners.flatMap((listener) =>
      listener.addresses.map((address) => `${lineText(`${listener.name}::${address}`)}\n`),
    );
    return textReply(lines.join(''));
  }
  const statuses = listeners.map(({ name, addresses: [first = '', ...others] }) => ({
    name,
    local_address: addressJson(first),
    ...(others.length > 0 ? { additional_local_addresses: others.map(addressJson) } : {}),
  }));
  return jsonReply(statuses.length > 0 ? { listener_statuses: statuses } : {});
}

async function handleMemory(_request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const memory = await context.backend.memory();
  return jsonReply({
    allocated: String(memory.allocated),
    heap_size: String(memory.heapSize),
    pageheap_unmapped: String(memory.pageheapUnmapped),
    pageheap_free: String(memory.pageheapFree),
    total_thread_cache: String(memory.totalThreadCache),
    total_physical_bytes: String(memory.totalPhysicalBytes),
  });
}

function handleCerts(_request: AdminRequest, context: AdminContext): AdminReply {
  const certificates = context.backend.certs().map(({ caCert, certChain }) => ({
    ca_cert: caCert.map(certificateJson),
    cert_chain: certChain.map(certificateJson),
  }));
  return jsonReply({ certificates });
}

function certificateJson(details: CertificateDetails): object {
  return {
    path: details.path,
    serial_number: details.serialNumber,
    subject_alt_names: details.subjectAltNames.map(({ kind, value }) => ({ [kind]: value })),
    days_until_expiration: String(details.daysUntilExpiration),
    valid_from: timestampJson(details.validFromMs),
    expiration_time: timestampJson(details.expirationMs),
  };
}

/** A google.protobuf.Timestamp of whole seconds. */
function timestampJson(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

function handleRuntime(_request: AdminRequest, context: AdminContext): AdminReply {
  const { layers, entries } = context.backend.runtime();
  const printed = Object.entries(entries).map(([key, entry]) => [
    key,
    { final_value: entry.finalValue, layer_values: entry.layerValues },
  ]);
  return jsonReply({ entries: Object.fromEntries(printed), layers });
}

function handleInitDump(request: AdminRequest, context: AdminContext): AdminReply {
  const mask = request.params.get('mask') ?? '';
  const dumps = context.backend
    .unreadyTargets()
    .filter((targets) => mask === '' || targets.name.includes(mask))
    .map((targets) => ({ name: targets.name, target_names: targets.targetNames }));
  return jsonReply(dumps.length > 0 ? { unready_targets_dumps: dumps } : {});
}
