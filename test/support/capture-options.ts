// Options as istio-iptables has them without any flag, with what a test changes.
import type { CaptureOptions } from '../../iptables-init/capture-options.ts';
import { parseFlags } from '../../iptables-init/parse-flags.ts';
import { type ReadOptions, readOptions } from '../../iptables-init/read-options.ts';

/** What a command line makes of an environment and a resolv.conf. */
export function readCommandLine(
  line: string,
  environment: Readonly<Record<string, string>> = {},
  resolvConf = '',
): ReadOptions {
  const args = line.split(' ').filter((word) => word !== '');
  const parsed = parseFlags(
    args.map((word) => (word === '""' ? '' : word)),
    environment,
  );
  if (parsed.kind !== 'values') throw new Error(`not understood: ${line}`);
  return readOptions(parsed.values, { environment, resolvConf, userId: () => null });
}

/** The options of a command line that is in order. */
export function captureOptions(line: string, resolvConf = ''): CaptureOptions {
  const read = readCommandLine(line, {}, resolvConf);
  if (!read.ok) throw new Error(read.errors.join('\n'));
  return read.options.capture;
}
