// A listener filter that leaves some connections alone: ListenerFilter.filter_disabled.
import {
  type CandidateConnection,
  DONE,
  type ListenerFilter,
  type ListenerFilterDefinition,
  type ListenerFilterFactory,
  type ListenerFilterStatus,
} from '../filters/listener-filter.ts';
import type { WorkerServices } from '../filters/network-filter.ts';
import type { ListenerFilterInstance, ListenerFilterPredicate } from '../model/listener.ts';
import type { StatsScope } from '../stats/metrics.ts';

/** What makes the filters of a listener's connections; `scope` is the listener's. */
export function buildListenerFilter(
  { definition, config, disabledWhen }: ListenerFilterInstance,
  services: WorkerServices,
  scope: StatsScope,
): ListenerFilterFactory {
  const factory = (definition as ListenerFilterDefinition).factory(config, services, scope);
  if (disabledWhen === null) return factory;
  return { create: () => new ConditionalFilter(factory.create(), disabledWhen) };
}

/** Asks the predicate when it is the filter's turn: filters before it may have moved the address. */
class ConditionalFilter implements ListenerFilter {
  readonly #filter: ListenerFilter;
  readonly #disabledWhen: ListenerFilterPredicate;
  #isDisabled: boolean | null = null;

  constructor(filter: ListenerFilter, disabledWhen: ListenerFilterPredicate) {
    this.#filter = filter;
    this.#disabledWhen = disabledWhen;
  }

  inspect(candidate: CandidateConnection, bytes: Buffer, length: number): ListenerFilterStatus {
    this.#isDisabled ??= holds(this.#disabledWhen, candidate);
    return this.#isDisabled ? DONE : this.#filter.inspect(candidate, bytes, length);
  }
}

function holds(predicate: ListenerFilterPredicate, candidate: CandidateConnection): boolean {
  switch (predicate.kind) {
    case 'or':
      return predicate.rules.some((rule) => holds(rule, candidate));
    case 'and':
      return predicate.rules.every((rule) => holds(rule, candidate));
    case 'not':
      return !holds(predicate.rule, candidate);
    case 'any':
      return true;
    case 'port': {
      const { port } = candidate.localAddress;
      return port >= predicate.start && port < predicate.end;
    }
  }
}
