// Flags of `run` that Envoy does not have. docs/command-line.md describes them by hand.
import type { Command } from 'commander';

/** Teaches a command our own flags. */
export function addOwnFlags(command: Command): void {
  command.option(
    '--config-watch <mode>',
    'on (default): the configuration file is read again when it changes; off: at SIGHUP only',
  );
  command.option(
    '--state-dir <path>',
    'keep what management servers tell there, to start from it while they are away',
  );
}
