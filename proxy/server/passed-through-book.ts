// Which extensions the configuration names that do nothing here: said in one line of the log, which
// is repeated only when there are more, and in /config_dump.

import { create } from '@bufbuild/protobuf';
import { type Extension, ExtensionSchema } from '../api/gen/envoy/config/core/v3/base_pb.js';
import type { Logger } from '../base/log.ts';
import type { PassedThroughExtension } from '../model/extension.ts';

/** One per process; an extension stays in it when what named it is gone. */
export class PassedThroughBook {
  readonly #known = new Map<string, PassedThroughExtension>();
  #reported = '';

  /** Called for each place where one stands. */
  note(extension: PassedThroughExtension): void {
    this.#known.set(`${extension.category} ${extension.typeName}`, extension);
  }

  /** Says all of them if there are more than the last time. */
  report(log: Logger): void {
    const names = [...new Set([...this.#known.values()].map(({ name }) => name))].sort().join(', ');
    if (names === this.#reported) return;
    this.#reported = names;
    const effect = 'are accepted and have no effect, traffic passes as if they were not there';
    log.log('warning', `extensions of the configuration ${effect}: ${names}`);
  }

  /** As extensions of the node (core.v3.Node.extensions) that are switched off. */
  asDisabled(): readonly Extension[] {
    return [...this.#known.values()].map(({ name, category, typeName }) =>
      create(ExtensionSchema, { name, category, typeUrls: [typeName], disabled: true }),
    );
  }
}
