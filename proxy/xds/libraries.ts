// Libraries that are loaded with the first server that needs them: a proxy without one need not
// carry their megabytes, nor wait for them at its start.
import { createRequire } from 'node:module';
import type * as grpcJs from '@grpc/grpc-js';
import type * as undici from 'undici';

const load = createRequire(import.meta.url);
let grpc: typeof grpcJs | null = null;
let rest: typeof undici | null = null;

/** @grpc/grpc-js */
export function grpcLibrary(): typeof grpcJs {
  grpc ??= load('@grpc/grpc-js') as typeof grpcJs;
  return grpc;
}

/** undici */
export function restLibrary(): typeof undici {
  rest ??= load('undici') as typeof undici;
  return rest;
}
