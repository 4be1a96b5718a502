// /upgrade: a newer process takes over the sockets of this one. Envoy has no such endpoint: there the
// newer process is started by somebody else.
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  textReply,
} from './endpoint.ts';

/** Hosts to check, secrets and routes to wait for: more than any of their default timeouts. */
const DEFAULT_DEADLINE_MS = 120_000;

/** Answers when the newer process serves, or will not. */
export const UPGRADE_ENDPOINT: Endpoint = {
  path: '/upgrade',
  help: 'replace this process by a newer one on the same sockets',
  params: [
    {
      id: 'deadline_ms',
      help: 'The time within which the newer process has to serve; default 120000',
      options: [],
    },
    {
      id: 'request',
      help: 'A file that names the program to start, as `outrigger upgrade` writes it; default: the same command again',
      options: [],
    },
  ],
  mutates: true,
  handle: handleUpgrade,
};

async function handleUpgrade(
  { params }: AdminRequest,
  { backend }: AdminContext,
): Promise<AdminReply> {
  const wanted = params.get('deadline_ms') ?? String(DEFAULT_DEADLINE_MS);
  if (!/^[1-9]\d{0,8}$/.test(wanted)) {
    return textReply(`deadline_ms: '${wanted}' is no number of milliseconds\n`, 400);
  }
  const requestPath = params.get('request') ?? '';
  const { ok, text } = await backend.upgrade({ requestPath, deadlineMs: Number(wanted) });
  return textReply(`${text}\n`, ok ? 200 : 503);
}
