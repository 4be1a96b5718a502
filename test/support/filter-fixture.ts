// An HTTP filter as a configuration makes it: compiled from JSON, with what the levels of a route
// table say, and run on a rig.
import type { JsonValue } from '@bufbuild/protobuf';
import type { HttpFilterDefinition, HttpFilterServices } from '../../proxy/filters/http-filter.ts';
import type { RequestHead } from '../../proxy/http/message.ts';
import type { FilterDefinition } from '../../proxy/model/extension.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { compileJson, problemLines, testEnvironment } from './compile-json.ts';
import { FilterRig } from './filter-rig.ts';
import { seededRandom } from './seeded-random.ts';

/** What a test says; the rest is empty. */
export interface FilterSource {
  readonly config?: JsonValue;
  /** typed_per_filter_config, the most specific level first. */
  readonly levels?: readonly JsonValue[];
  readonly runtime?: ReadonlyMap<string, string | number | boolean>;
}

/** See the file's head. */
export class FilterFixture {
  readonly #stats = new StatsStore(null);
  readonly #definition: HttpFilterDefinition;
  readonly #config: unknown;

  /** Throws when anything is refused. */
  constructor(definition: unknown, source: FilterSource = {}) {
    this.#definition = definition as HttpFilterDefinition;
    const own = compileOrThrow(this.#definition, source.config ?? {}, source);
    const levels = (source.levels ?? []).map((json) =>
      compileOrThrow(this.#definition.perRoute as never, json, source),
    );
    this.#config = levels.length === 0 ? own : this.#definition.onRoute?.(own, levels as never);
  }

  /** True when streams do without the filter. */
  get isIdle(): boolean {
    return this.#config === null || this.#factory() === null;
  }

  /** A stream whose request begins with this head. */
  run(head: RequestHead): FilterRig {
    const factory = this.#factory();
    if (factory === null) throw new Error('the filter does nothing');
    return new FilterRig((callbacks) => factory.create(callbacks), head);
  }

  /** Counters that changed, by their names behind `http.p.` (or whole). */
  counters(): Readonly<Record<string, number>> {
    const changed = Object.entries(this.#stats.snapshot().counters).filter(
      ([, value]) => value > 0,
    );
    return Object.fromEntries(
      changed.map(([name, value]) => [name.replace(/^http\.p\./, ''), value]),
    );
  }

  #factory() {
    const scope = this.#stats.scope('http.p');
    const services = {
      scope,
      root: this.#stats,
      random: seededRandom(1),
    } as unknown as HttpFilterServices;
    return this.#definition.factory(this.#config, services, this.#definition.name);
  }
}

/** What is refused in a configuration, as `path: reason`. */
export function filterProblems(
  { schema, compile }: Pick<FilterDefinition, 'schema' | 'compile'>,
  json: JsonValue,
): readonly string[] {
  return problemLines(compileJson({ schema, json }, compile as never).rejections);
}

function compileOrThrow(
  { schema, compile }: Pick<FilterDefinition, 'schema' | 'compile'>,
  json: JsonValue,
  { runtime }: FilterSource,
): unknown {
  const environment = testEnvironment(runtime === undefined ? {} : { runtime });
  const { value, rejections } = compileJson({ schema, json, environment }, compile as never);
  if (rejections.length > 0) throw new Error(problemLines(rejections).join('\n'));
  return value;
}
