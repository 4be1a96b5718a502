// The program of the thread that loads a configuration while the proxy serves.
import { parentPort, workerData } from 'node:worker_threads';
import { type BootstrapOptions, BootstrapSource } from './bootstrap-source.ts';
import { packLoaded } from './load-in-thread.ts';

const source = new BootstrapSource(workerData as BootstrapOptions);
parentPort?.on('message', () => parentPort?.postMessage(packLoaded(source.load())));
