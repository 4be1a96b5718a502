// One buffer receives the reads of every socket of the process: consumers copy what they keep
// before the callback returns. A fresh buffer per read costs 1.33 of this.

/** As much as libuv reads at once. */
const READ_BUFFER_BYTES = 64 * 1024;

/** The shared buffer. Its content is valid only inside a read callback. */
export const sharedReadBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
