// The cells that the data path counts in: plain objects with a number, found once at configuration
// time. Summing over workers, naming and printing happen elsewhere, when somebody asks.

/** Only grows. */
export class Counter {
	readonly name: string;
	value = 0;

	constructor(name: string) {
		this.name = name;
	}

	inc(): void {
		this.value += 1;
	}

	add(amount: number): void {
		this.value += amount;
	}
}

/** Goes up and down; workers' values are summed unless made with `never-import`. */
export class Gauge {
	readonly name: string;
	value = 0;

	constructor(name: string) {
		this.name = name;
	}

	inc(): void {
		this.value += 1;
	}

	dec(): void {
		this.value -= 1;
	}

	add(amount: number): void {
		this.value += amount;
	}

	set(value: number): void {
		this.value = value;
	}
}

/** A distribution of non-negative numbers in log-linear buckets. */
export interface Histogram {
	readonly name: string;
	record(value: number): void;
}

/** Unit of a histogram, as Envoy declares it. */
export type HistogramUnit = "ms" | "us" | "bytes" | "percent" | "unspecified";

/** Makes cells under a prefix; asking twice for a name gives the same cell. */
export interface StatsScope {
	/** Dotted prefix with its final dot; '' for the root. */
	readonly prefix: string;
	scope(name: string): StatsScope;
	counter(name: string): Counter;
	gauge(name: string): Gauge;
	histogram(name: string, unit: HistogramUnit): Histogram;
	textReadout(name: string): { set(text: string): void };
	/** Drops every cell made through this scope (a cluster or listener was removed). */
	release(): void;
}
