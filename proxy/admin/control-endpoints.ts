// Endpoints that change the process: all of them want POST.
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  okReply,
  textReply,
} from './endpoint.ts';

/** The changing endpoints, without /logging. */
export const CONTROL_ENDPOINTS: readonly Endpoint[] = [
  {
    ...endpoint('/drain_listeners', 'drain listeners', handleDrain),
    params: [
      {
        id: 'graceful',
        help: 'When draining listeners, enter a graceful drain period prior to closing listeners. This behaviour and duration is configurable via server options or CLI',
        options: null,
      },
      {
        id: 'skip_exit',
        help: 'When draining listeners, drain the connections but never stop the listeners. The graceful parameter has no effect when this is set, since the drain period only delays stopping the listeners',
        options: null,
      },
      {
        id: 'inboundonly',
        help: 'Drains all inbound listeners. traffic_direction field in envoy_v3_api_msg_config.listener.v3.Listener is used to determine whether a listener is inbound or outbound.',
        options: null,
      },
    ],
  },
  endpoint('/healthcheck/fail', 'cause the server to fail health checks', (_, { backend }) => {
    backend.setHealth(true);
    return okReply();
  }),
  endpoint('/healthcheck/ok', 'cause the server to pass health checks', (_, { backend }) => {
    backend.setHealth(false);
    return okReply();
  }),
  endpoint('/quitquitquit', 'exit the server', (_, { backend }) => ({
    ...okReply(),
    afterwards: () => backend.quit(),
  })),
  endpoint('/reopen_logs', 'reopen access logs', (_, { backend }) => {
    backend.reopenLogs();
    return okReply();
  }),
  endpoint(
    '/runtime_modify',
    'Adds or modifies runtime values as passed in query parameters. To delete a previously added key, use an empty string as the value. Note that deletion only applies to overrides added via this endpoint; values loaded from disk can be modified via override but not deleted. E.g. ?key1=value1&key2=value2...',
    handleRuntimeModify,
  ),
  endpoint('/reset_counters', 'reset all counters to zero', async (_, { backend }) => {
    await backend.resetCounters();
    return okReply();
  }),
];

function endpoint(path: string, help: string, handle: Endpoint['handle']): Endpoint {
  return { path, help, params: [], mutates: true, handle };
}

const MODIFY_USAGE = `usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN
       or send the parameters as form values
use an empty value to remove a previously added override
`;

function handleRuntimeModify({ params }: AdminRequest, { backend }: AdminContext): AdminReply {
  if (params.entries.length === 0) return textReply(MODIFY_USAGE, 400);
  // As Envoy, the last of several values for a key counts.
  if (backend.modifyRuntime(params.entries)) return okReply();
  return textReply('No admin layer specified', 503);
}

async function handleDrain(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const { params } = request;
  await context.backend.drainListeners({
    graceful: params.has('graceful'),
    inboundOnly: params.has('inboundonly'),
    skipExit: params.has('skip_exit'),
  });
  return textReply('OK\n');
}
