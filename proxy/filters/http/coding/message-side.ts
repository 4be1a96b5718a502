// The two directions of a stream for filters that do the same to both.
import type { HeaderList } from '../../../http/header-list.ts';
import type { HttpFilter, HttpFilterCallbacks } from '../../http-filter.ts';

/** A filter on one stream. */
export interface FilterSite {
  readonly filter: HttpFilter;
  readonly callbacks: HttpFilterCallbacks;
}

/** What differs between requests and responses. */
export interface MessageSide {
  /** False: better send nothing more until told. */
  inject(site: FilterSite, data: Buffer, endStream: boolean): boolean;
  injectTrailers(site: FilterSite, trailers: HeaderList): void;
  /** Lets go what the filter holds back. */
  release(site: FilterSite): void;
  /** Holds whoever sends back, and lets him go on. */
  hold(site: FilterSite): void;
  take(site: FilterSite): void;
}

export const REQUEST_SIDE: MessageSide = {
  inject: ({ callbacks, filter }, data, end) => callbacks.injectRequestData(filter, data, end),
  injectTrailers: ({ callbacks, filter }, trailers) =>
    callbacks.flow.injectRequestTrailers(filter, trailers),
  release: ({ callbacks, filter }) => callbacks.continueRequest(filter),
  hold: ({ callbacks, filter }) => callbacks.flow.holdRequest(filter),
  take: ({ callbacks, filter }) => callbacks.flow.takeRequest(filter),
};

export const RESPONSE_SIDE: MessageSide = {
  inject: ({ callbacks, filter }, data, end) => callbacks.injectResponseData(filter, data, end),
  injectTrailers: ({ callbacks, filter }, trailers) =>
    callbacks.flow.injectResponseTrailers(filter, trailers),
  release: ({ callbacks, filter }) => callbacks.continueResponse(filter),
  hold: ({ callbacks, filter }) => callbacks.flow.holdResponse(filter),
  take: ({ callbacks, filter }) => callbacks.flow.takeResponse(filter),
};
