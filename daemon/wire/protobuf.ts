/**
 * Makes protobufjs read 64-bit integers as numbers. It takes `Long` wherever that package is installed, and ours are
 * offsets, sequences and generations, all far below 2^53; what a peer sends beyond that fails the range checks.
 * Imported before the generated frames, which look at this once, when they load.
 */
import protobuf from 'protobufjs/minimal.js';

Object.assign(protobuf.util, { Long: undefined });
protobuf.configure();
