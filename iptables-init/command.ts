// `outrigger istio-iptables`: the init step of a pod, with the flags, variables and exit statuses of
// Istio's program of this name.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { applyRules, type Outcome, removeRules } from './apply-rules.ts';
import type { IpVersion } from './capture-options.ts';
import { captureRules } from './capture-rules.ts';
import { checkCapture } from './check-capture.ts';
import { hostAddresses, ipVersions, namespaceAddresses } from './ip-versions.ts';
import { chooseTools, plainTools } from './iptables-tools.ts';
import { flagHelp, parseFlags } from './parse-flags.ts';
import { asProxyUser } from './proxy-user.ts';
import { type HostFacts, type RunOptions, readOptions } from './read-options.ts';
import { makeReporter, type Reporter } from './reporter.ts';
import { addRoutes, removeRoutes } from './routes.ts';
import { commandLines, restoreLines } from './rule-set.ts';
import { HostSystem, type System } from './system.ts';

const EXIT_OK = 0;
const EXIT_FAILURE = 1;
/** --run-validation found that connections are not captured. */
const EXIT_NOT_CAPTURED = 126;

/** Runs the command; resolves with its exit status. */
export async function runIstioIptables(args: readonly string[]): Promise<number> {
  const streams = {
    out: (text: string) => process.stdout.write(text),
    err: (text: string) => process.stderr.write(text),
  };
  const plain = makeReporter(streams, false);
  const flags = parseFlags(args, process.env);
  if (flags.kind === 'help') {
    plain.print(flagHelp());
    return EXIT_OK;
  }
  if (flags.kind === 'error') return fail(plain, [`${flags.message}. See --help.`]);
  const read = readOptions(flags.values, hostFacts());
  if (!read.ok) return fail(plain, read.errors);
  const reporter = makeReporter(streams, read.options.logAsJson);
  const { cleanupOnly, skipRuleApply } = read.options;
  if (!cleanupOnly && !skipRuleApply) for (const notice of read.notices) reporter.warn(notice);
  return carryOut(read.options, reporter);
}

/** `outrigger istio-clean-iptables`: the same flags, and everything of ours goes. */
export function runIstioCleanIptables(args: readonly string[]): Promise<number> {
  return runIstioIptables([...args, '--cleanup-only']);
}

async function carryOut(options: RunOptions, reporter: Reporter): Promise<number> {
  if (options.dryRun) {
    printRules(options, ipVersions(hostAddresses(), options.dualStack), reporter);
    return EXIT_OK;
  }
  const environment = options.cniMode
    ? { ...process.env, XTABLES_LOCKFILE: `/run/outrigger-xtables-${process.pid}.lock` }
    : process.env;
  const system = new HostSystem(options.networkNamespace, environment);
  const isHere = options.networkNamespace === '';
  const addresses = isHere ? hostAddresses() : await namespaceAddresses(system);
  const versions = ipVersions(addresses, options.dualStack);
  if (options.cleanupOnly) return cleanUp(options, { system, reporter, versions });
  if (!options.skipRuleApply) {
    const status = await install(options, { system, reporter, versions });
    if (status !== EXIT_OK) return status;
  }
  return options.runValidation ? validate(options, versions, reporter) : EXIT_OK;
}

interface Work {
  readonly system: System;
  readonly reporter: Reporter;
  readonly versions: readonly IpVersion[];
}

function printRules(
  { capture, restoreFormat }: RunOptions,
  versions: readonly IpVersion[],
  reporter: Reporter,
): void {
  for (const version of versions) {
    const set = captureRules(capture, version);
    const { program } = plainTools(version);
    const lines = restoreFormat ? restoreLines(set) : commandLines(set, program);
    reporter.print(`${lines.join('\n')}\n`);
  }
}

async function install(options: RunOptions, work: Work): Promise<number> {
  for (const version of work.versions) {
    const chosen = await chooseTools(work.system, version, options.forceBinary);
    if (!chosen.ok) return fail(work.reporter, [`IPv${version}: ${chosen.reason}`]);
    const host = { system: work.system, tools: chosen.tools };
    // Routes do nothing without the rules; TPROXY's rules lose packets without the routes.
    const prepare = (): Promise<string | null> => addRoutes(work.system, options.capture, version);
    const policy = { ...options, prepare };
    const outcome = await applyRules(host, captureRules(options.capture, version), policy);
    const status = report(outcome, `IPv${version} rules (${chosen.tools.program})`, work.reporter);
    if (status !== EXIT_OK) return status;
  }
  return EXIT_OK;
}

/** Both IP versions, whatever this host speaks now; programs that are missing had no rules. */
async function cleanUp(options: RunOptions, work: Work): Promise<number> {
  let status = EXIT_OK;
  for (const version of [4, 6] as const) {
    const chosen = await chooseTools(work.system, version, options.forceBinary);
    if (!chosen.ok) {
      if (work.versions.includes(version)) status = fail(work.reporter, [chosen.reason]);
      continue;
    }
    const host = { system: work.system, tools: chosen.tools };
    const outcome = await removeRules(host, captureRules(options.capture, version));
    const what = `IPv${version} rules (${chosen.tools.program})`;
    if (outcome.kind === 'failed') status = fail(work.reporter, [outcome.reason]);
    else work.reporter.info(`${what}: ${outcome.kind === 'changed' ? 'removed' : 'none'}`);
    await removeRoutes(work.system, options.capture, version);
  }
  return status;
}

async function validate(
  options: RunOptions,
  versions: readonly IpVersion[],
  reporter: Reporter,
): Promise<number> {
  const { capture, probePort, probeTimeoutMs: timeoutMs } = options;
  for (const version of versions) {
    const check = await asProxyUser(capture.proxyUids, () =>
      checkCapture({ capture, probePort, timeoutMs }, version),
    );
    if (check.kind === 'captured') {
      reporter.info(`IPv${version}: captured`);
      continue;
    }
    reporter.error(`IPv${version}: not captured: ${check.reason}`);
    reporter.error(REPAIR);
    return EXIT_NOT_CAPTURED;
  }
  return EXIT_OK;
}

const REPAIR = [
  'The rules of istio-iptables are not in force in this pod, so its traffic would bypass the proxy.',
  'With the Istio CNI plugin: the plugin was not ready when the pod was made; delete the pod.',
  'Without: run `outrigger istio-iptables` with NET_ADMIN before the application starts.',
].join('\n');

function report(outcome: Outcome, what: string, reporter: Reporter): number {
  if (outcome.kind === 'failed') return fail(reporter, [outcome.reason]);
  reporter.info(`${what}: ${outcome.kind === 'changed' ? 'applied' : 'in force already'}`);
  return EXIT_OK;
}

function fail(reporter: Reporter, messages: readonly string[]): number {
  for (const message of messages) reporter.error(message);
  return EXIT_FAILURE;
}

function hostFacts(): HostFacts {
  return { environment: process.env, resolvConf: readText('/etc/resolv.conf'), userId };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** id(1) knows every source of users that the host has. */
function userId(name: string): string | null {
  if (!/^[a-z_][a-z0-9_-]*$/.test(name)) return null;
  const { status, stdout } = spawnSync('id', ['-u', name], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}
