/** Every bound of the NBD server, so that no client can make it hold, wait for or answer without end. */

/** Strings of the protocol (names, descriptions, error texts) must not be longer. */
export const STRING_BYTES = 4096;

/**
 * Data of one option. Enough for the longest name and every information there is; a client that announces more is
 * hung up on, since nothing that this server could do with it is worth the memory.
 */
export const OPTION_DATA_BYTES = 16 * 1024;

/** Options before the transmission phase. Real clients send fewer than ten. */
export const OPTIONS_PER_SESSION = 32;

/** Characters of an error text or description that are sent; below STRING_BYTES in any encoding of them. */
export const TEXT_CHARACTERS = 1000;

/** Payloads of reads up to this size are copied beside their headers: cheaper than one more entry of a writev. */
export const COPIED_PAYLOAD_BYTES = 4096;

export interface NbdLimits {
  /** Open at once, over all listeners; further ones are closed unanswered. */
  readonly connections: number;
  /** From the greeting to the transmission phase. */
  readonly handshakeTimeoutMs: number;
  /** Submitted and not yet answered, per connection; above it the socket is not read. */
  readonly inFlightRequests: number;
  /** Payloads of the above, both directions; passed by at most one request. */
  readonly inFlightBytes: number;
  /** Answers that the client has not taken yet; above it the socket is not read. */
  readonly unsentBytes: number;
  /** How long `close` waits for what is outstanding before it hangs up. */
  readonly closeDrainMs: number;
  /** Silence on a TCP connection before the kernel asks whether the client's host is still there. */
  readonly keepAliveMs: number;
}

export const DEFAULT_LIMITS: NbdLimits = {
  connections: 256,
  handshakeTimeoutMs: 10_000,
  inFlightRequests: 1024,
  inFlightBytes: 64 * 1024 * 1024,
  unsentBytes: 8 * 1024 * 1024,
  closeDrainMs: 1000,
  keepAliveMs: 30_000,
};
