// Routing that belongs to the rules: TPROXY delivers marked packets locally, and the proxy's own
// IPv6 source needs to be an address of this host.
import type { CaptureOptions, IpVersion } from './capture-options.ts';
import type { System } from './system.ts';

/** The IPv6 source of what the proxy sends to the application. */
const PASSTHROUGH_V6 = '::6/128';

/** Adds what is missing; a text says what failed. */
export async function addRoutes(
  system: System,
  options: CaptureOptions,
  version: IpVersion,
): Promise<string | null> {
  if (version === 6) {
    const failure = await runIp(system, ['-6', 'addr', 'add', PASSTHROUGH_V6, 'dev', 'lo']);
    if (failure !== null) return failure;
  }
  if (!needsRoutes(options)) return null;
  const { rule, route } = tproxyWords(options);
  const family = `-${version}`;
  // A second rule with the same words is a second rule to ip(8): take the first away.
  await system.run('ip', [family, 'rule', 'del', ...rule]);
  return (
    (await runIp(system, [family, 'rule', 'add', ...rule])) ??
    (await runIp(system, [family, 'route', 'replace', ...route]))
  );
}

/** Takes them away; what is not there is no failure. */
export async function removeRoutes(
  system: System,
  options: CaptureOptions,
  version: IpVersion,
): Promise<void> {
  if (version === 6) await system.run('ip', ['-6', 'addr', 'del', PASSTHROUGH_V6, 'dev', 'lo']);
  if (!needsRoutes(options)) return;
  const { rule, route } = tproxyWords(options);
  await system.run('ip', [`-${version}`, 'rule', 'del', ...rule]);
  await system.run('ip', [`-${version}`, 'route', 'del', ...route]);
}

function needsRoutes({ interceptionMode, inboundPorts }: CaptureOptions): boolean {
  return interceptionMode === 'TPROXY' && inboundPorts.length > 0;
}

function tproxyWords(options: CaptureOptions): { rule: string[]; route: string[] } {
  const table = String(options.tproxyRouteTable);
  const rule = ['fwmark', String(options.tproxyMark), 'lookup', table];
  return { rule, route: ['local', 'default', 'dev', 'lo', 'table', table] };
}

async function runIp(system: System, args: readonly string[]): Promise<string | null> {
  const { status, stderr } = await system.run('ip', args);
  if (status === 0 || stderr.includes('File exists')) return null;
  return `ip ${args.join(' ')}: ${stderr.trim().split('\n')[0] ?? ''}`;
}
