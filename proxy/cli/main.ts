#!/usr/bin/env node
// The outrigger command. Environment and arguments are read here, once.
// Evaluated first: everything else is loaded under it.
import '../server/loading-phase.ts';

const args = process.argv.slice(2);
const exitCode = await dispatch(args[0] ?? '', args.slice(1));
// What still holds the process must not: workers that load, a client that does not close.
process.exit(exitCode);

/** The init step has its own flags and little memory: nothing of the proxy is loaded for it. */
async function dispatch(command: string, rest: readonly string[]): Promise<number> {
  if (command === 'istio-iptables') {
    const { runIstioIptables } = await import('../../iptables-init/command.ts');
    return runIstioIptables(rest);
  }
  if (command === 'istio-clean-iptables') {
    const { runIstioCleanIptables } = await import('../../iptables-init/command.ts');
    return runIstioCleanIptables(rest);
  }
  const { runCli } = await import('./program.ts');
  return runCli(args);
}
