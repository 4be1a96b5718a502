// Conditions on a request, and on what filters and routes know of it. Of a connection alone, those
// on a request's head never hold.
import type { UriTemplate } from '../../base/uri-template.ts';
import { filterStateText } from '../../model/filter-state-text.ts';
import {
  matchesFilterState,
  matchesMetadata,
  matchesNamespace,
} from '../../model/match-metadata.ts';
import { matchesHeader, matchesString } from '../../model/match-value.ts';
import type {
  FilterStateMatchConfig,
  HeaderMatchConfig,
  MetadataMatchConfig,
  StringMatchConfig,
} from '../../model/route-match.ts';
import type { RbacPredicate, RbacSubject } from './rbac-subject.ts';

/** header: each line of a repeated field is tested on its own. */
export class HeaderPredicate implements RbacPredicate {
  readonly #match: HeaderMatchConfig;

  constructor(match: HeaderMatchConfig) {
    this.#match = match;
  }

  matches({ head }: RbacSubject): boolean {
    return head !== null && matchesHeader(this.#match, head);
  }
}

/** url_path: the path without query and fragment. */
export class PathPredicate implements RbacPredicate {
  readonly #match: StringMatchConfig;

  constructor(match: StringMatchConfig) {
    this.#match = match;
  }

  matches({ path }: RbacSubject): boolean {
    return path !== null && matchesString(this.#match, path);
  }
}

/** uri_template, on the same path. */
export class TemplatePredicate implements RbacPredicate {
  readonly #template: UriTemplate;

  constructor(template: UriTemplate) {
    this.#template = template;
  }

  matches({ path }: RbacSubject): boolean {
    return path !== null && this.#template.matches(path);
  }
}

/** metadata, and sourced_metadata from DYNAMIC. */
export class DynamicMetadataPredicate implements RbacPredicate {
  readonly #match: MetadataMatchConfig;

  constructor(match: MetadataMatchConfig) {
    this.#match = match;
  }

  matches({ info }: RbacSubject): boolean {
    return matchesMetadata(this.#match, info.dynamicMetadata);
  }
}

/** sourced_metadata from ROUTE: without a route it does not hold, inverted or not. */
export class RouteMetadataPredicate implements RbacPredicate {
  readonly #match: MetadataMatchConfig;

  constructor(match: MetadataMatchConfig) {
    this.#match = match;
  }

  matches({ routeMetadata }: RbacSubject): boolean {
    if (routeMetadata === null) return false;
    const { namespace } = this.#match;
    const isKnown = Object.hasOwn(routeMetadata, namespace);
    return matchesNamespace(this.#match, isKnown ? routeMetadata[namespace] : undefined);
  }
}

/** filter_state: of the request, or else of its connection. */
export class FilterStatePredicate implements RbacPredicate {
  readonly #match: FilterStateMatchConfig;

  constructor(match: FilterStateMatchConfig) {
    this.#match = match;
  }

  matches({ info }: RbacSubject): boolean {
    return matchesFilterState(this.#match, filterStateText(info, this.#match.key));
  }
}
