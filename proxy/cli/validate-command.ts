// Checking configuration without serving it.
import { BootstrapSource, reportOf } from '../server/bootstrap-source.ts';
import { DEFAULT_SERVER_OPTIONS, type ServerOptions } from '../server/options.ts';
import { EXIT_FAILURE, EXIT_OK } from './exit-codes.ts';

/** `outrigger validate FILE…`: every error and warning of every file; fails if any has an error. */
export function validateFiles(files: readonly string[], allowUnknownStaticFields: boolean): number {
  let exitCode = EXIT_OK;
  for (const configPath of files) {
    const options = { ...DEFAULT_SERVER_OPTIONS, configPath, allowUnknownStaticFields };
    const loaded = new BootstrapSource(options).load();
    const colour = process.stderr.isTTY === true;
    process.stderr.write(reportOf(loaded, { colour, warnings: true }));
    if (loaded.ok) console.log(`${configPath}: OK`);
    else exitCode = EXIT_FAILURE;
  }
  return exitCode;
}

/** `--mode validate` and `--mode init_only`, with Envoy's words on standard output. */
export function validateBootstrap(options: ServerOptions, mode: 'validate' | 'init_only'): number {
  const source = new BootstrapSource(options);
  const loaded = source.load();
  const colour = process.stderr.isTTY === true;
  process.stderr.write(reportOf(loaded, { colour, warnings: true }));
  if (!loaded.ok) {
    console.error(`error initializing configuration '${source.name}'`);
    return EXIT_FAILURE;
  }
  if (mode === 'validate') console.log(`configuration '${source.name}' OK`);
  return EXIT_OK;
}
