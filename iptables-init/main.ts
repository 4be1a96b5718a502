#!/usr/bin/env node
// The init step as a program of its own: nothing of the proxy is loaded, so that it fits an init
// container of 50 MiB.
import { runIstioCleanIptables, runIstioIptables } from './command.ts';

const [first, ...rest] = process.argv.slice(2);
const isClean = first === 'istio-clean-iptables';
const args = isClean || first === 'istio-iptables' ? rest : process.argv.slice(2);
process.exitCode = await (isClean ? runIstioCleanIptables(args) : runIstioIptables(args));
