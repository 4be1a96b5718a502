// /explain: what would become of a request on the configuration that serves now. Envoy has none.
import { ipVersion } from '../base/ip-address.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  rawJsonReply,
  textReply,
} from './endpoint.ts';

const UINT32_MAX = 2 ** 32 - 1;
const LOOPBACK = '127.0.0.1';

/** Tells the way of a request without sending it. */
export const EXPLAIN_ENDPOINT: Endpoint = {
  path: '/explain',
  help: 'what would become of a request: listener, route, cluster, header changes, and why',
  params: [
    { id: 'method', help: 'Method of the request; default GET', options: [] },
    { id: 'url', help: 'http://host[:port]/path, percent-encoded', options: [] },
    { id: 'header', help: 'name: value; may be given any number of times', options: [] },
    { id: 'listener', help: 'Name of the listener, if the port does not tell', options: [] },
    { id: 'protocol', help: 'What the client speaks', options: ['http1', 'http2'] },
    { id: 'client', help: 'Address of the client; default 127.0.0.1', options: [] },
    { id: 'random', help: 'What decides choices by chance, 0 to 2^32 - 1', options: [] },
    { id: 'format', help: 'Output format', options: ['text', 'json'] },
  ],
  mutates: false,
  handle: handleExplain,
};

async function handleExplain(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const { params } = request;
  const url = params.get('url') ?? '';
  const client = params.get('client') || LOOPBACK;
  const random = params.get('random') || '0';
  if (url === '') {
    return refused('url is missing: /explain?url=http://host/path&method=GET&header=name:value');
  }
  if (ipVersion(client) === 0) return refused(`client: '${client}' is no IP address`);
  if (!/^\d{1,10}$/.test(random) || Number(random) > UINT32_MAX) {
    return refused(`random: '${random}' is not a whole number from 0 to ${UINT32_MAX}`);
  }
  const headers = params.entries.filter(([name, value]) => name === 'header' && value !== '');
  const answer = await context.backend.explain({
    method: params.get('method') || 'GET',
    url,
    headers: headers.map(([, value]) => value),
    listener: params.get('listener') ?? '',
    isHttp2: params.get('protocol') === 'http2',
    client,
    random: Number(random),
  });
  if (!answer.ok) return refused(answer.errors.join('\n'));
  return params.get('format') === 'json' ? rawJsonReply(answer.json) : textReply(answer.text);
}

function refused(reason: string): AdminReply {
  return textReply(`${reason}\n`, 400);
}
