import * as $protobuf from "protobufjs";
import Long = require("long");

/** Namespace lockstep. */
export namespace lockstep {

    /** Namespace replication. */
    namespace replication {

        /** Namespace v1. */
        namespace v1 {

            /**
             * Properties of a Frame.
             * @deprecated Use lockstep.replication.v1.Frame.$Properties instead.
             */
            interface IFrame extends lockstep.replication.v1.Frame.$Properties {
            }

            /** Represents a Frame. */
            class Frame {

                /**
                 * Constructs a new Frame.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Frame.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Frame hello. */
                hello?: (lockstep.replication.v1.Hello.$Properties|null);

                /** Frame helloAnswer. */
                helloAnswer?: (lockstep.replication.v1.HelloAnswer.$Properties|null);

                /** Frame write. */
                write?: (lockstep.replication.v1.Write.$Properties|null);

                /** Frame writeAnswer. */
                writeAnswer?: (lockstep.replication.v1.WriteAnswer.$Properties|null);

                /** Frame flush. */
                flush?: (lockstep.replication.v1.Flush.$Properties|null);

                /** Frame flushAnswer. */
                flushAnswer?: (lockstep.replication.v1.FlushAnswer.$Properties|null);

                /** Frame heartbeat. */
                heartbeat?: (lockstep.replication.v1.Heartbeat.$Properties|null);

                /** Frame heartbeatAnswer. */
                heartbeatAnswer?: (lockstep.replication.v1.HeartbeatAnswer.$Properties|null);

                /** Frame pull. */
                pull?: (lockstep.replication.v1.Pull.$Properties|null);

                /** Frame pullRegion. */
                pullRegion?: (lockstep.replication.v1.PullRegion.$Properties|null);

                /** Frame pullDone. */
                pullDone?: (lockstep.replication.v1.PullDone.$Properties|null);

                /** Frame copy. */
                copy?: (lockstep.replication.v1.Copy.$Properties|null);

                /** Frame copyAnswer. */
                copyAnswer?: (lockstep.replication.v1.CopyAnswer.$Properties|null);

                /** Frame view. */
                view?: (lockstep.replication.v1.View.$Properties|null);

                /** Frame candidate. */
                candidate?: (lockstep.replication.v1.Candidate.$Properties|null);

                /** Frame candidateAnswer. */
                candidateAnswer?: (lockstep.replication.v1.CandidateAnswer.$Properties|null);

                /** Frame refusal. */
                refusal?: (lockstep.replication.v1.Refusal.$Properties|null);

                /** Frame viewAnswer. */
                viewAnswer?: (lockstep.replication.v1.ViewAnswer.$Properties|null);

                /** Frame yield. */
                yield?: (lockstep.replication.v1.Yield.$Properties|null);

                /** Frame fetch. */
                fetch?: (lockstep.replication.v1.Fetch.$Properties|null);

                /** Frame fetched. */
                fetched?: (lockstep.replication.v1.Fetched.$Properties|null);

                /** Frame copyBegin. */
                copyBegin?: (lockstep.replication.v1.CopyBegin.$Properties|null);

                /** Frame verify. */
                verify?: (lockstep.replication.v1.Verify.$Properties|null);

                /** Frame verified. */
                verified?: (lockstep.replication.v1.Verified.$Properties|null);

                /** Frame verifyHoles. */
                verifyHoles?: (lockstep.replication.v1.VerifyHoles.$Properties|null);

                /** Frame verifiedHoles. */
                verifiedHoles?: (lockstep.replication.v1.VerifiedHoles.$Properties|null);

                /** Frame scrubbed. */
                scrubbed?: (lockstep.replication.v1.Scrubbed.$Properties|null);

                /** Frame body. */
                body?: ("hello"|"helloAnswer"|"write"|"writeAnswer"|"flush"|"flushAnswer"|"heartbeat"|"heartbeatAnswer"|"pull"|"pullRegion"|"pullDone"|"copy"|"copyAnswer"|"view"|"candidate"|"candidateAnswer"|"refusal"|"viewAnswer"|"yield"|"fetch"|"fetched"|"copyBegin"|"verify"|"verified"|"verifyHoles"|"verifiedHoles"|"scrubbed");

                /**
                 * Encodes the specified Frame message. Does not implicitly {@link lockstep.replication.v1.Frame.verify|verify} messages.
                 * @param message Frame message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Frame.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Frame message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Frame & lockstep.replication.v1.Frame.$Shape} Frame
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Frame & lockstep.replication.v1.Frame.$Shape;

                /**
                 * Gets the type url for Frame
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Frame {

                /** Properties of a Frame. */
                interface $Properties {

                    /** Frame hello */
                    hello?: (lockstep.replication.v1.Hello.$Properties|null);

                    /** Frame helloAnswer */
                    helloAnswer?: (lockstep.replication.v1.HelloAnswer.$Properties|null);

                    /** Frame write */
                    write?: (lockstep.replication.v1.Write.$Properties|null);

                    /** Frame writeAnswer */
                    writeAnswer?: (lockstep.replication.v1.WriteAnswer.$Properties|null);

                    /** Frame flush */
                    flush?: (lockstep.replication.v1.Flush.$Properties|null);

                    /** Frame flushAnswer */
                    flushAnswer?: (lockstep.replication.v1.FlushAnswer.$Properties|null);

                    /** Frame heartbeat */
                    heartbeat?: (lockstep.replication.v1.Heartbeat.$Properties|null);

                    /** Frame heartbeatAnswer */
                    heartbeatAnswer?: (lockstep.replication.v1.HeartbeatAnswer.$Properties|null);

                    /** Frame pull */
                    pull?: (lockstep.replication.v1.Pull.$Properties|null);

                    /** Frame pullRegion */
                    pullRegion?: (lockstep.replication.v1.PullRegion.$Properties|null);

                    /** Frame pullDone */
                    pullDone?: (lockstep.replication.v1.PullDone.$Properties|null);

                    /** Frame copy */
                    copy?: (lockstep.replication.v1.Copy.$Properties|null);

                    /** Frame copyAnswer */
                    copyAnswer?: (lockstep.replication.v1.CopyAnswer.$Properties|null);

                    /** Frame view */
                    view?: (lockstep.replication.v1.View.$Properties|null);

                    /** Frame candidate */
                    candidate?: (lockstep.replication.v1.Candidate.$Properties|null);

                    /** Frame candidateAnswer */
                    candidateAnswer?: (lockstep.replication.v1.CandidateAnswer.$Properties|null);

                    /** Frame refusal */
                    refusal?: (lockstep.replication.v1.Refusal.$Properties|null);

                    /** Frame viewAnswer */
                    viewAnswer?: (lockstep.replication.v1.ViewAnswer.$Properties|null);

                    /** Frame yield */
                    "yield"?: (lockstep.replication.v1.Yield.$Properties|null);

                    /** Frame fetch */
                    fetch?: (lockstep.replication.v1.Fetch.$Properties|null);

                    /** Frame fetched */
                    fetched?: (lockstep.replication.v1.Fetched.$Properties|null);

                    /** Frame copyBegin */
                    copyBegin?: (lockstep.replication.v1.CopyBegin.$Properties|null);

                    /** Frame verify */
                    verify?: (lockstep.replication.v1.Verify.$Properties|null);

                    /** Frame verified */
                    verified?: (lockstep.replication.v1.Verified.$Properties|null);

                    /** Frame verifyHoles */
                    verifyHoles?: (lockstep.replication.v1.VerifyHoles.$Properties|null);

                    /** Frame verifiedHoles */
                    verifiedHoles?: (lockstep.replication.v1.VerifiedHoles.$Properties|null);

                    /** Frame scrubbed */
                    scrubbed?: (lockstep.replication.v1.Scrubbed.$Properties|null);

                    /** Frame body */
                    body?: ("hello"|"helloAnswer"|"write"|"writeAnswer"|"flush"|"flushAnswer"|"heartbeat"|"heartbeatAnswer"|"pull"|"pullRegion"|"pullDone"|"copy"|"copyAnswer"|"view"|"candidate"|"candidateAnswer"|"refusal"|"viewAnswer"|"yield"|"fetch"|"fetched"|"copyBegin"|"verify"|"verified"|"verifyHoles"|"verifiedHoles"|"scrubbed");

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Narrowed shape of a Frame. */
                type $Shape = {
                  hello?: lockstep.replication.v1.Hello.$Shape|null;
                  helloAnswer?: lockstep.replication.v1.HelloAnswer.$Shape|null;
                  write?: lockstep.replication.v1.Write.$Shape|null;
                  writeAnswer?: lockstep.replication.v1.WriteAnswer.$Shape|null;
                  flush?: lockstep.replication.v1.Flush.$Shape|null;
                  flushAnswer?: lockstep.replication.v1.FlushAnswer.$Shape|null;
                  heartbeat?: lockstep.replication.v1.Heartbeat.$Shape|null;
                  heartbeatAnswer?: lockstep.replication.v1.HeartbeatAnswer.$Shape|null;
                  pull?: lockstep.replication.v1.Pull.$Shape|null;
                  pullRegion?: lockstep.replication.v1.PullRegion.$Shape|null;
                  pullDone?: lockstep.replication.v1.PullDone.$Shape|null;
                  copy?: lockstep.replication.v1.Copy.$Shape|null;
                  copyAnswer?: lockstep.replication.v1.CopyAnswer.$Shape|null;
                  view?: lockstep.replication.v1.View.$Shape|null;
                  candidate?: lockstep.replication.v1.Candidate.$Shape|null;
                  candidateAnswer?: lockstep.replication.v1.CandidateAnswer.$Shape|null;
                  refusal?: lockstep.replication.v1.Refusal.$Shape|null;
                  viewAnswer?: lockstep.replication.v1.ViewAnswer.$Shape|null;
                  "yield"?: lockstep.replication.v1.Yield.$Shape|null;
                  fetch?: lockstep.replication.v1.Fetch.$Shape|null;
                  fetched?: lockstep.replication.v1.Fetched.$Shape|null;
                  copyBegin?: lockstep.replication.v1.CopyBegin.$Shape|null;
                  verify?: lockstep.replication.v1.Verify.$Shape|null;
                  verified?: lockstep.replication.v1.Verified.$Shape|null;
                  verifyHoles?: lockstep.replication.v1.VerifyHoles.$Shape|null;
                  verifiedHoles?: lockstep.replication.v1.VerifiedHoles.$Shape|null;
                  scrubbed?: lockstep.replication.v1.Scrubbed.$Shape|null;
                  $unknowns?: Uint8Array[];
                } & (
                  ({ body?: undefined; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "hello"; hello: lockstep.replication.v1.Hello.$Shape; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "helloAnswer"; hello?: null; helloAnswer: lockstep.replication.v1.HelloAnswer.$Shape; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "write"; hello?: null; helloAnswer?: null; write: lockstep.replication.v1.Write.$Shape; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "writeAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer: lockstep.replication.v1.WriteAnswer.$Shape; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "flush"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush: lockstep.replication.v1.Flush.$Shape; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "flushAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer: lockstep.replication.v1.FlushAnswer.$Shape; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "heartbeat"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat: lockstep.replication.v1.Heartbeat.$Shape; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "heartbeatAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer: lockstep.replication.v1.HeartbeatAnswer.$Shape; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "pull"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull: lockstep.replication.v1.Pull.$Shape; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "pullRegion"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion: lockstep.replication.v1.PullRegion.$Shape; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "pullDone"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone: lockstep.replication.v1.PullDone.$Shape; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "copy"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy: lockstep.replication.v1.Copy.$Shape; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "copyAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer: lockstep.replication.v1.CopyAnswer.$Shape; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "view"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view: lockstep.replication.v1.View.$Shape; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "candidate"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate: lockstep.replication.v1.Candidate.$Shape; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "candidateAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer: lockstep.replication.v1.CandidateAnswer.$Shape; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "refusal"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal: lockstep.replication.v1.Refusal.$Shape; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "viewAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer: lockstep.replication.v1.ViewAnswer.$Shape; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "yield"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield": lockstep.replication.v1.Yield.$Shape; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "fetch"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch: lockstep.replication.v1.Fetch.$Shape; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "fetched"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched: lockstep.replication.v1.Fetched.$Shape; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "copyBegin"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin: lockstep.replication.v1.CopyBegin.$Shape; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "verify"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify: lockstep.replication.v1.Verify.$Shape; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "verified"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified: lockstep.replication.v1.Verified.$Shape; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "verifyHoles"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles: lockstep.replication.v1.VerifyHoles.$Shape; verifiedHoles?: null; scrubbed?: null }|{ body?: "verifiedHoles"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles: lockstep.replication.v1.VerifiedHoles.$Shape; scrubbed?: null }|{ body?: "scrubbed"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed: lockstep.replication.v1.Scrubbed.$Shape })
                );
            }

            /**
             * Properties of a Hello.
             * @deprecated Use lockstep.replication.v1.Hello.$Properties instead.
             */
            interface IHello extends lockstep.replication.v1.Hello.$Properties {
            }

            /** Represents a Hello. */
            class Hello {

                /**
                 * Constructs a new Hello.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Hello.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Hello wireVersion. */
                wireVersion: number;

                /** Hello volume. */
                volume: string;

                /** Hello sizeBytes. */
                sizeBytes: number;

                /** Hello host. */
                host: string;

                /** Hello generation. */
                generation: number;

                /** Hello incarnation. */
                incarnation: number;

                /** Hello peerIncarnation. */
                peerIncarnation: number;

                /** Hello intent. */
                intent: lockstep.replication.v1.HelloIntent;

                /** Hello oldestVersion. */
                oldestVersion: number;

                /** Hello inSync. */
                inSync: string[];

                /**
                 * Encodes the specified Hello message. Does not implicitly {@link lockstep.replication.v1.Hello.verify|verify} messages.
                 * @param message Hello message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Hello.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Hello message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Hello & lockstep.replication.v1.Hello.$Shape} Hello
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Hello & lockstep.replication.v1.Hello.$Shape;

                /**
                 * Gets the type url for Hello
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Hello {

                /** Properties of a Hello. */
                interface $Properties {

                    /** Hello wireVersion */
                    wireVersion?: (number|null);

                    /** Hello volume */
                    volume?: (string|null);

                    /** Hello sizeBytes */
                    sizeBytes?: (number|null);

                    /** Hello host */
                    host?: (string|null);

                    /** Hello generation */
                    generation?: (number|null);

                    /** Hello incarnation */
                    incarnation?: (number|null);

                    /** Hello peerIncarnation */
                    peerIncarnation?: (number|null);

                    /** Hello intent */
                    intent?: (lockstep.replication.v1.HelloIntent|null);

                    /** Hello oldestVersion */
                    oldestVersion?: (number|null);

                    /** Hello inSync */
                    inSync?: (string[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Hello. */
                type $Shape = lockstep.replication.v1.Hello.$Properties;
            }

            /** HelloIntent enum. */
            enum HelloIntent {

                /** HELLO_INTENT_UNSPECIFIED value */
                HELLO_INTENT_UNSPECIFIED = 0,

                /** HELLO_INTENT_RESUME value */
                HELLO_INTENT_RESUME = 1,

                /** HELLO_INTENT_RECOVER value */
                HELLO_INTENT_RECOVER = 2,

                /** HELLO_INTENT_JOIN value */
                HELLO_INTENT_JOIN = 3
            }

            /**
             * Properties of a HelloAnswer.
             * @deprecated Use lockstep.replication.v1.HelloAnswer.$Properties instead.
             */
            interface IHelloAnswer extends lockstep.replication.v1.HelloAnswer.$Properties {
            }

            /** Represents a HelloAnswer. */
            class HelloAnswer {

                /**
                 * Constructs a new HelloAnswer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.HelloAnswer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** HelloAnswer wireVersion. */
                wireVersion: number;

                /** HelloAnswer host. */
                host: string;

                /** HelloAnswer generation. */
                generation: number;

                /** HelloAnswer incarnation. */
                incarnation: number;

                /** HelloAnswer appliedSequence. */
                appliedSequence: number;

                /** HelloAnswer unstableKnown. */
                unstableKnown: boolean;

                /** HelloAnswer blank. */
                blank: boolean;

                /** HelloAnswer consistentAt. */
                consistentAt: number;

                /** HelloAnswer changesKnown. */
                changesKnown: boolean;

                /** HelloAnswer distrusted. */
                distrusted: boolean;

                /** HelloAnswer checksum. */
                checksum: number;

                /** HelloAnswer copyingSince. */
                copyingSince: number;

                /**
                 * Encodes the specified HelloAnswer message. Does not implicitly {@link lockstep.replication.v1.HelloAnswer.verify|verify} messages.
                 * @param message HelloAnswer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.HelloAnswer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a HelloAnswer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.HelloAnswer & lockstep.replication.v1.HelloAnswer.$Shape} HelloAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.HelloAnswer & lockstep.replication.v1.HelloAnswer.$Shape;

                /**
                 * Gets the type url for HelloAnswer
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace HelloAnswer {

                /** Properties of a HelloAnswer. */
                interface $Properties {

                    /** HelloAnswer wireVersion */
                    wireVersion?: (number|null);

                    /** HelloAnswer host */
                    host?: (string|null);

                    /** HelloAnswer generation */
                    generation?: (number|null);

                    /** HelloAnswer incarnation */
                    incarnation?: (number|null);

                    /** HelloAnswer appliedSequence */
                    appliedSequence?: (number|null);

                    /** HelloAnswer unstableKnown */
                    unstableKnown?: (boolean|null);

                    /** HelloAnswer blank */
                    blank?: (boolean|null);

                    /** HelloAnswer consistentAt */
                    consistentAt?: (number|null);

                    /** HelloAnswer changesKnown */
                    changesKnown?: (boolean|null);

                    /** HelloAnswer distrusted */
                    distrusted?: (boolean|null);

                    /** HelloAnswer checksum */
                    checksum?: (number|null);

                    /** HelloAnswer copyingSince */
                    copyingSince?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a HelloAnswer. */
                type $Shape = lockstep.replication.v1.HelloAnswer.$Properties;
            }

            /** WriteKind enum. */
            enum WriteKind {

                /** WRITE_KIND_UNSPECIFIED value */
                WRITE_KIND_UNSPECIFIED = 0,

                /** WRITE_KIND_DATA value */
                WRITE_KIND_DATA = 1,

                /** WRITE_KIND_TRIM value */
                WRITE_KIND_TRIM = 2,

                /** WRITE_KIND_ZERO value */
                WRITE_KIND_ZERO = 3
            }

            /**
             * Properties of a Write.
             * @deprecated Use lockstep.replication.v1.Write.$Properties instead.
             */
            interface IWrite extends lockstep.replication.v1.Write.$Properties {
            }

            /** Represents a Write. */
            class Write {

                /**
                 * Constructs a new Write.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Write.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Write generation. */
                generation: number;

                /** Write sequence. */
                sequence: number;

                /** Write offset. */
                offset: number;

                /** Write length. */
                length: number;

                /** Write kind. */
                kind: lockstep.replication.v1.WriteKind;

                /** Write checksum. */
                checksum: number;

                /** Write stableSequence. */
                stableSequence: number;

                /**
                 * Encodes the specified Write message. Does not implicitly {@link lockstep.replication.v1.Write.verify|verify} messages.
                 * @param message Write message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Write.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Write message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Write & lockstep.replication.v1.Write.$Shape} Write
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Write & lockstep.replication.v1.Write.$Shape;

                /**
                 * Gets the type url for Write
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Write {

                /** Properties of a Write. */
                interface $Properties {

                    /** Write generation */
                    generation?: (number|null);

                    /** Write sequence */
                    sequence?: (number|null);

                    /** Write offset */
                    offset?: (number|null);

                    /** Write length */
                    length?: (number|null);

                    /** Write kind */
                    kind?: (lockstep.replication.v1.WriteKind|null);

                    /** Write checksum */
                    checksum?: (number|null);

                    /** Write stableSequence */
                    stableSequence?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Write. */
                type $Shape = lockstep.replication.v1.Write.$Properties;
            }

            /**
             * Properties of a WriteAnswer.
             * @deprecated Use lockstep.replication.v1.WriteAnswer.$Properties instead.
             */
            interface IWriteAnswer extends lockstep.replication.v1.WriteAnswer.$Properties {
            }

            /** Represents a WriteAnswer. */
            class WriteAnswer {

                /**
                 * Constructs a new WriteAnswer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.WriteAnswer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** WriteAnswer appliedSequence. */
                appliedSequence: number;

                /**
                 * Encodes the specified WriteAnswer message. Does not implicitly {@link lockstep.replication.v1.WriteAnswer.verify|verify} messages.
                 * @param message WriteAnswer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.WriteAnswer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a WriteAnswer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.WriteAnswer & lockstep.replication.v1.WriteAnswer.$Shape} WriteAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.WriteAnswer & lockstep.replication.v1.WriteAnswer.$Shape;

                /**
                 * Gets the type url for WriteAnswer
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace WriteAnswer {

                /** Properties of a WriteAnswer. */
                interface $Properties {

                    /** WriteAnswer appliedSequence */
                    appliedSequence?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a WriteAnswer. */
                type $Shape = lockstep.replication.v1.WriteAnswer.$Properties;
            }

            /**
             * Properties of a Flush.
             * @deprecated Use lockstep.replication.v1.Flush.$Properties instead.
             */
            interface IFlush extends lockstep.replication.v1.Flush.$Properties {
            }

            /** Represents a Flush. */
            class Flush {

                /**
                 * Constructs a new Flush.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Flush.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Flush generation. */
                generation: number;

                /** Flush flushId. */
                flushId: number;

                /**
                 * Encodes the specified Flush message. Does not implicitly {@link lockstep.replication.v1.Flush.verify|verify} messages.
                 * @param message Flush message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Flush.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Flush message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Flush & lockstep.replication.v1.Flush.$Shape} Flush
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Flush & lockstep.replication.v1.Flush.$Shape;

                /**
                 * Gets the type url for Flush
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Flush {

                /** Properties of a Flush. */
                interface $Properties {

                    /** Flush generation */
                    generation?: (number|null);

                    /** Flush flushId */
                    flushId?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Flush. */
                type $Shape = lockstep.replication.v1.Flush.$Properties;
            }

            /**
             * Properties of a FlushAnswer.
             * @deprecated Use lockstep.replication.v1.FlushAnswer.$Properties instead.
             */
            interface IFlushAnswer extends lockstep.replication.v1.FlushAnswer.$Properties {
            }

            /** Represents a FlushAnswer. */
            class FlushAnswer {

                /**
                 * Constructs a new FlushAnswer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.FlushAnswer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** FlushAnswer flushId. */
                flushId: number;

                /**
                 * Encodes the specified FlushAnswer message. Does not implicitly {@link lockstep.replication.v1.FlushAnswer.verify|verify} messages.
                 * @param message FlushAnswer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.FlushAnswer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a FlushAnswer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.FlushAnswer & lockstep.replication.v1.FlushAnswer.$Shape} FlushAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.FlushAnswer & lockstep.replication.v1.FlushAnswer.$Shape;

                /**
                 * Gets the type url for FlushAnswer
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace FlushAnswer {

                /** Properties of a FlushAnswer. */
                interface $Properties {

                    /** FlushAnswer flushId */
                    flushId?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a FlushAnswer. */
                type $Shape = lockstep.replication.v1.FlushAnswer.$Properties;
            }

            /**
             * Properties of a Heartbeat.
             * @deprecated Use lockstep.replication.v1.Heartbeat.$Properties instead.
             */
            interface IHeartbeat extends lockstep.replication.v1.Heartbeat.$Properties {
            }

            /** Represents a Heartbeat. */
            class Heartbeat {

                /**
                 * Constructs a new Heartbeat.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Heartbeat.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Heartbeat generation. */
                generation: number;

                /** Heartbeat askedAtMs. */
                askedAtMs: number;

                /** Heartbeat stableSequence. */
                stableSequence: number;

                /**
                 * Encodes the specified Heartbeat message. Does not implicitly {@link lockstep.replication.v1.Heartbeat.verify|verify} messages.
                 * @param message Heartbeat message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Heartbeat.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Heartbeat message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Heartbeat & lockstep.replication.v1.Heartbeat.$Shape} Heartbeat
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Heartbeat & lockstep.replication.v1.Heartbeat.$Shape;

                /**
                 * Gets the type url for Heartbeat
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Heartbeat {

                /** Properties of a Heartbeat. */
                interface $Properties {

                    /** Heartbeat generation */
                    generation?: (number|null);

                    /** Heartbeat askedAtMs */
                    askedAtMs?: (number|null);

                    /** Heartbeat stableSequence */
                    stableSequence?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Heartbeat. */
                type $Shape = lockstep.replication.v1.Heartbeat.$Properties;
            }

            /**
             * Properties of a HeartbeatAnswer.
             * @deprecated Use lockstep.replication.v1.HeartbeatAnswer.$Properties instead.
             */
            interface IHeartbeatAnswer extends lockstep.replication.v1.HeartbeatAnswer.$Properties {
            }

            /** Represents a HeartbeatAnswer. */
            class HeartbeatAnswer {

                /**
                 * Constructs a new HeartbeatAnswer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.HeartbeatAnswer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** HeartbeatAnswer generation. */
                generation: number;

                /** HeartbeatAnswer askedAtMs. */
                askedAtMs: number;

                /** HeartbeatAnswer leaseMs. */
                leaseMs: number;

                /**
                 * Encodes the specified HeartbeatAnswer message. Does not implicitly {@link lockstep.replication.v1.HeartbeatAnswer.verify|verify} messages.
                 * @param message HeartbeatAnswer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.HeartbeatAnswer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a HeartbeatAnswer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.HeartbeatAnswer & lockstep.replication.v1.HeartbeatAnswer.$Shape} HeartbeatAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.HeartbeatAnswer & lockstep.replication.v1.HeartbeatAnswer.$Shape;

                /**
                 * Gets the type url for HeartbeatAnswer
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace HeartbeatAnswer {

                /** Properties of a HeartbeatAnswer. */
                interface $Properties {

                    /** HeartbeatAnswer generation */
                    generation?: (number|null);

                    /** HeartbeatAnswer askedAtMs */
                    askedAtMs?: (number|null);

                    /** HeartbeatAnswer leaseMs */
                    leaseMs?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a HeartbeatAnswer. */
                type $Shape = lockstep.replication.v1.HeartbeatAnswer.$Properties;
            }

            /**
             * Properties of a Yield.
             * @deprecated Use lockstep.replication.v1.Yield.$Properties instead.
             */
            interface IYield extends lockstep.replication.v1.Yield.$Properties {
            }

            /** Represents a Yield. */
            class Yield {

                /**
                 * Constructs a new Yield.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Yield.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Yield generation. */
                generation: number;

                /**
                 * Encodes the specified Yield message. Does not implicitly {@link lockstep.replication.v1.Yield.verify|verify} messages.
                 * @param message Yield message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Yield.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Yield message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Yield & lockstep.replication.v1.Yield.$Shape} Yield
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Yield & lockstep.replication.v1.Yield.$Shape;

                /**
                 * Gets the type url for Yield
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Yield {

                /** Properties of a Yield. */
                interface $Properties {

                    /** Yield generation */
                    generation?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Yield. */
                type $Shape = lockstep.replication.v1.Yield.$Properties;
            }

            /**
             * Properties of a Fetch.
             * @deprecated Use lockstep.replication.v1.Fetch.$Properties instead.
             */
            interface IFetch extends lockstep.replication.v1.Fetch.$Properties {
            }

            /** Represents a Fetch. */
            class Fetch {

                /**
                 * Constructs a new Fetch.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Fetch.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Fetch generation. */
                generation: number;

                /** Fetch region. */
                region: number;

                /**
                 * Encodes the specified Fetch message. Does not implicitly {@link lockstep.replication.v1.Fetch.verify|verify} messages.
                 * @param message Fetch message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Fetch.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Fetch message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Fetch & lockstep.replication.v1.Fetch.$Shape} Fetch
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Fetch & lockstep.replication.v1.Fetch.$Shape;

                /**
                 * Gets the type url for Fetch
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Fetch {

                /** Properties of a Fetch. */
                interface $Properties {

                    /** Fetch generation */
                    generation?: (number|null);

                    /** Fetch region */
                    region?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Fetch. */
                type $Shape = lockstep.replication.v1.Fetch.$Properties;
            }

            /**
             * Properties of a Fetched.
             * @deprecated Use lockstep.replication.v1.Fetched.$Properties instead.
             */
            interface IFetched extends lockstep.replication.v1.Fetched.$Properties {
            }

            /** Represents a Fetched. */
            class Fetched {

                /**
                 * Constructs a new Fetched.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Fetched.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Fetched region. */
                region: number;

                /** Fetched checksum. */
                checksum: number;

                /**
                 * Encodes the specified Fetched message. Does not implicitly {@link lockstep.replication.v1.Fetched.verify|verify} messages.
                 * @param message Fetched message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Fetched.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Fetched message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Fetched & lockstep.replication.v1.Fetched.$Shape} Fetched
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Fetched & lockstep.replication.v1.Fetched.$Shape;

                /**
                 * Gets the type url for Fetched
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Fetched {

                /** Properties of a Fetched. */
                interface $Properties {

                    /** Fetched region */
                    region?: (number|null);

                    /** Fetched checksum */
                    checksum?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Fetched. */
                type $Shape = lockstep.replication.v1.Fetched.$Properties;
            }

            /**
             * Properties of a Pull.
             * @deprecated Use lockstep.replication.v1.Pull.$Properties instead.
             */
            interface IPull extends lockstep.replication.v1.Pull.$Properties {
            }

            /** Represents a Pull. */
            class Pull {

                /**
                 * Constructs a new Pull.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Pull.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Pull generation. */
                generation: number;

                /**
                 * Encodes the specified Pull message. Does not implicitly {@link lockstep.replication.v1.Pull.verify|verify} messages.
                 * @param message Pull message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Pull.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Pull message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Pull & lockstep.replication.v1.Pull.$Shape} Pull
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Pull & lockstep.replication.v1.Pull.$Shape;

                /**
                 * Gets the type url for Pull
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Pull {

                /** Properties of a Pull. */
                interface $Properties {

                    /** Pull generation */
                    generation?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Pull. */
                type $Shape = lockstep.replication.v1.Pull.$Properties;
            }

            /**
             * Properties of a PullRegion.
             * @deprecated Use lockstep.replication.v1.PullRegion.$Properties instead.
             */
            interface IPullRegion extends lockstep.replication.v1.PullRegion.$Properties {
            }

            /** Represents a PullRegion. */
            class PullRegion {

                /**
                 * Constructs a new PullRegion.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.PullRegion.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** PullRegion region. */
                region: number;

                /** PullRegion checksum. */
                checksum: number;

                /**
                 * Encodes the specified PullRegion message. Does not implicitly {@link lockstep.replication.v1.PullRegion.verify|verify} messages.
                 * @param message PullRegion message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.PullRegion.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PullRegion message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.PullRegion & lockstep.replication.v1.PullRegion.$Shape} PullRegion
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.PullRegion & lockstep.replication.v1.PullRegion.$Shape;

                /**
                 * Gets the type url for PullRegion
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace PullRegion {

                /** Properties of a PullRegion. */
                interface $Properties {

                    /** PullRegion region */
                    region?: (number|null);

                    /** PullRegion checksum */
                    checksum?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PullRegion. */
                type $Shape = lockstep.replication.v1.PullRegion.$Properties;
            }

            /**
             * Properties of a PullDone.
             * @deprecated Use lockstep.replication.v1.PullDone.$Properties instead.
             */
            interface IPullDone extends lockstep.replication.v1.PullDone.$Properties {
            }

            /** Represents a PullDone. */
            class PullDone {

                /**
                 * Constructs a new PullDone.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.PullDone.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** PullDone appliedSequence. */
                appliedSequence: number;

                /**
                 * Encodes the specified PullDone message. Does not implicitly {@link lockstep.replication.v1.PullDone.verify|verify} messages.
                 * @param message PullDone message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.PullDone.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a PullDone message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.PullDone & lockstep.replication.v1.PullDone.$Shape} PullDone
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.PullDone & lockstep.replication.v1.PullDone.$Shape;

                /**
                 * Gets the type url for PullDone
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace PullDone {

                /** Properties of a PullDone. */
                interface $Properties {

                    /** PullDone appliedSequence */
                    appliedSequence?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a PullDone. */
                type $Shape = lockstep.replication.v1.PullDone.$Properties;
            }

            /**
             * Properties of a CopyBegin.
             * @deprecated Use lockstep.replication.v1.CopyBegin.$Properties instead.
             */
            interface ICopyBegin extends lockstep.replication.v1.CopyBegin.$Properties {
            }

            /** Represents a CopyBegin. */
            class CopyBegin {

                /**
                 * Constructs a new CopyBegin.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.CopyBegin.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** CopyBegin generation. */
                generation: number;

                /**
                 * Encodes the specified CopyBegin message. Does not implicitly {@link lockstep.replication.v1.CopyBegin.verify|verify} messages.
                 * @param message CopyBegin message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.CopyBegin.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a CopyBegin message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.CopyBegin & lockstep.replication.v1.CopyBegin.$Shape} CopyBegin
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.CopyBegin & lockstep.replication.v1.CopyBegin.$Shape;

                /**
                 * Gets the type url for CopyBegin
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace CopyBegin {

                /** Properties of a CopyBegin. */
                interface $Properties {

                    /** CopyBegin generation */
                    generation?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a CopyBegin. */
                type $Shape = lockstep.replication.v1.CopyBegin.$Properties;
            }

            /**
             * Properties of a Copy.
             * @deprecated Use lockstep.replication.v1.Copy.$Properties instead.
             */
            interface ICopy extends lockstep.replication.v1.Copy.$Properties {
            }

            /** Represents a Copy. */
            class Copy {

                /**
                 * Constructs a new Copy.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Copy.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Copy generation. */
                generation: number;

                /** Copy region. */
                region: number;

                /** Copy kind. */
                kind: lockstep.replication.v1.CopyKind;

                /** Copy digest. */
                digest: Uint8Array;

                /** Copy checksum. */
                checksum: number;

                /**
                 * Encodes the specified Copy message. Does not implicitly {@link lockstep.replication.v1.Copy.verify|verify} messages.
                 * @param message Copy message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Copy.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Copy message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Copy & lockstep.replication.v1.Copy.$Shape} Copy
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Copy & lockstep.replication.v1.Copy.$Shape;

                /**
                 * Gets the type url for Copy
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Copy {

                /** Properties of a Copy. */
                interface $Properties {

                    /** Copy generation */
                    generation?: (number|null);

                    /** Copy region */
                    region?: (number|null);

                    /** Copy kind */
                    kind?: (lockstep.replication.v1.CopyKind|null);

                    /** Copy digest */
                    digest?: (Uint8Array|null);

                    /** Copy checksum */
                    checksum?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Copy. */
                type $Shape = lockstep.replication.v1.Copy.$Properties;
            }

            /** CopyKind enum. */
            enum CopyKind {

                /** COPY_KIND_UNSPECIFIED value */
                COPY_KIND_UNSPECIFIED = 0,

                /** COPY_KIND_OFFER value */
                COPY_KIND_OFFER = 1,

                /** COPY_KIND_DATA value */
                COPY_KIND_DATA = 2,

                /** COPY_KIND_ZERO value */
                COPY_KIND_ZERO = 3
            }

            /**
             * Properties of a CopyAnswer.
             * @deprecated Use lockstep.replication.v1.CopyAnswer.$Properties instead.
             */
            interface ICopyAnswer extends lockstep.replication.v1.CopyAnswer.$Properties {
            }

            /** Represents a CopyAnswer. */
            class CopyAnswer {

                /**
                 * Constructs a new CopyAnswer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.CopyAnswer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** CopyAnswer region. */
                region: number;

                /** CopyAnswer needed. */
                needed: boolean;

                /**
                 * Encodes the specified CopyAnswer message. Does not implicitly {@link lockstep.replication.v1.CopyAnswer.verify|verify} messages.
                 * @param message CopyAnswer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.CopyAnswer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a CopyAnswer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.CopyAnswer & lockstep.replication.v1.CopyAnswer.$Shape} CopyAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.CopyAnswer & lockstep.replication.v1.CopyAnswer.$Shape;

                /**
                 * Gets the type url for CopyAnswer
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace CopyAnswer {

                /** Properties of a CopyAnswer. */
                interface $Properties {

                    /** CopyAnswer region */
                    region?: (number|null);

                    /** CopyAnswer needed */
                    needed?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a CopyAnswer. */
                type $Shape = lockstep.replication.v1.CopyAnswer.$Properties;
            }

            /**
             * Properties of a Verify.
             * @deprecated Use lockstep.replication.v1.Verify.$Properties instead.
             */
            interface IVerify extends lockstep.replication.v1.Verify.$Properties {
            }

            /** Represents a Verify. */
            class Verify {

                /**
                 * Constructs a new Verify.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Verify.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Verify generation. */
                generation: number;

                /** Verify id. */
                id: number;

                /** Verify region. */
                region: number;

                /** Verify digest. */
                digest: Uint8Array;

                /**
                 * Encodes the specified Verify message. Does not implicitly {@link lockstep.replication.v1.Verify.verify|verify} messages.
                 * @param message Verify message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Verify.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Verify message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Verify & lockstep.replication.v1.Verify.$Shape} Verify
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Verify & lockstep.replication.v1.Verify.$Shape;

                /**
                 * Gets the type url for Verify
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Verify {

                /** Properties of a Verify. */
                interface $Properties {

                    /** Verify generation */
                    generation?: (number|null);

                    /** Verify id */
                    id?: (number|null);

                    /** Verify region */
                    region?: (number|null);

                    /** Verify digest */
                    digest?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Verify. */
                type $Shape = lockstep.replication.v1.Verify.$Properties;
            }

            /**
             * Properties of a Verified.
             * @deprecated Use lockstep.replication.v1.Verified.$Properties instead.
             */
            interface IVerified extends lockstep.replication.v1.Verified.$Properties {
            }

            /** Represents a Verified. */
            class Verified {

                /**
                 * Constructs a new Verified.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Verified.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Verified id. */
                id: number;

                /** Verified equal. */
                equal: boolean;

                /** Verified soundness. */
                soundness: lockstep.replication.v1.Soundness;

                /**
                 * Encodes the specified Verified message. Does not implicitly {@link lockstep.replication.v1.Verified.verify|verify} messages.
                 * @param message Verified message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Verified.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Verified message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Verified & lockstep.replication.v1.Verified.$Shape} Verified
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Verified & lockstep.replication.v1.Verified.$Shape;

                /**
                 * Gets the type url for Verified
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Verified {

                /** Properties of a Verified. */
                interface $Properties {

                    /** Verified id */
                    id?: (number|null);

                    /** Verified equal */
                    equal?: (boolean|null);

                    /** Verified soundness */
                    soundness?: (lockstep.replication.v1.Soundness|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Verified. */
                type $Shape = lockstep.replication.v1.Verified.$Properties;
            }

            /** Soundness enum. */
            enum Soundness {

                /** SOUNDNESS_UNSPECIFIED value */
                SOUNDNESS_UNSPECIFIED = 0,

                /** SOUNDNESS_INTACT value */
                SOUNDNESS_INTACT = 1,

                /** SOUNDNESS_DAMAGED value */
                SOUNDNESS_DAMAGED = 2,

                /** SOUNDNESS_UNKNOWN value */
                SOUNDNESS_UNKNOWN = 3
            }

            /**
             * Properties of a VerifyHoles.
             * @deprecated Use lockstep.replication.v1.VerifyHoles.$Properties instead.
             */
            interface IVerifyHoles extends lockstep.replication.v1.VerifyHoles.$Properties {
            }

            /** Represents a VerifyHoles. */
            class VerifyHoles {

                /**
                 * Constructs a new VerifyHoles.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.VerifyHoles.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** VerifyHoles generation. */
                generation: number;

                /** VerifyHoles id. */
                id: number;

                /** VerifyHoles region. */
                region: number;

                /** VerifyHoles count. */
                count: number;

                /**
                 * Encodes the specified VerifyHoles message. Does not implicitly {@link lockstep.replication.v1.VerifyHoles.verify|verify} messages.
                 * @param message VerifyHoles message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.VerifyHoles.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a VerifyHoles message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.VerifyHoles & lockstep.replication.v1.VerifyHoles.$Shape} VerifyHoles
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.VerifyHoles & lockstep.replication.v1.VerifyHoles.$Shape;

                /**
                 * Gets the type url for VerifyHoles
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace VerifyHoles {

                /** Properties of a VerifyHoles. */
                interface $Properties {

                    /** VerifyHoles generation */
                    generation?: (number|null);

                    /** VerifyHoles id */
                    id?: (number|null);

                    /** VerifyHoles region */
                    region?: (number|null);

                    /** VerifyHoles count */
                    count?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a VerifyHoles. */
                type $Shape = lockstep.replication.v1.VerifyHoles.$Properties;
            }

            /**
             * Properties of a VerifiedHoles.
             * @deprecated Use lockstep.replication.v1.VerifiedHoles.$Properties instead.
             */
            interface IVerifiedHoles extends lockstep.replication.v1.VerifiedHoles.$Properties {
            }

            /** Represents a VerifiedHoles. */
            class VerifiedHoles {

                /**
                 * Constructs a new VerifiedHoles.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.VerifiedHoles.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** VerifiedHoles id. */
                id: number;

                /** VerifiedHoles count. */
                count: number;

                /**
                 * Encodes the specified VerifiedHoles message. Does not implicitly {@link lockstep.replication.v1.VerifiedHoles.verify|verify} messages.
                 * @param message VerifiedHoles message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.VerifiedHoles.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a VerifiedHoles message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.VerifiedHoles & lockstep.replication.v1.VerifiedHoles.$Shape} VerifiedHoles
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.VerifiedHoles & lockstep.replication.v1.VerifiedHoles.$Shape;

                /**
                 * Gets the type url for VerifiedHoles
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace VerifiedHoles {

                /** Properties of a VerifiedHoles. */
                interface $Properties {

                    /** VerifiedHoles id */
                    id?: (number|null);

                    /** VerifiedHoles count */
                    count?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a VerifiedHoles. */
                type $Shape = lockstep.replication.v1.VerifiedHoles.$Properties;
            }

            /**
             * Properties of a Scrubbed.
             * @deprecated Use lockstep.replication.v1.Scrubbed.$Properties instead.
             */
            interface IScrubbed extends lockstep.replication.v1.Scrubbed.$Properties {
            }

            /** Represents a Scrubbed. */
            class Scrubbed {

                /**
                 * Constructs a new Scrubbed.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Scrubbed.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Scrubbed generation. */
                generation: number;

                /** Scrubbed cursor. */
                cursor: number;

                /**
                 * Encodes the specified Scrubbed message. Does not implicitly {@link lockstep.replication.v1.Scrubbed.verify|verify} messages.
                 * @param message Scrubbed message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Scrubbed.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Scrubbed message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Scrubbed & lockstep.replication.v1.Scrubbed.$Shape} Scrubbed
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Scrubbed & lockstep.replication.v1.Scrubbed.$Shape;

                /**
                 * Gets the type url for Scrubbed
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Scrubbed {

                /** Properties of a Scrubbed. */
                interface $Properties {

                    /** Scrubbed generation */
                    generation?: (number|null);

                    /** Scrubbed cursor */
                    cursor?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Scrubbed. */
                type $Shape = lockstep.replication.v1.Scrubbed.$Properties;
            }

            /**
             * Properties of a View.
             * @deprecated Use lockstep.replication.v1.View.$Properties instead.
             */
            interface IView extends lockstep.replication.v1.View.$Properties {
            }

            /** Represents a View. */
            class View {

                /**
                 * Constructs a new View.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.View.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** View generation. */
                generation: number;

                /** View primary. */
                primary: string;

                /** View inSync. */
                inSync: string[];

                /**
                 * Encodes the specified View message. Does not implicitly {@link lockstep.replication.v1.View.verify|verify} messages.
                 * @param message View message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.View.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a View message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.View & lockstep.replication.v1.View.$Shape} View
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.View & lockstep.replication.v1.View.$Shape;

                /**
                 * Gets the type url for View
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace View {

                /** Properties of a View. */
                interface $Properties {

                    /** View generation */
                    generation?: (number|null);

                    /** View primary */
                    primary?: (string|null);

                    /** View inSync */
                    inSync?: (string[]|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a View. */
                type $Shape = lockstep.replication.v1.View.$Properties;
            }

            /**
             * Properties of a ViewAnswer.
             * @deprecated Use lockstep.replication.v1.ViewAnswer.$Properties instead.
             */
            interface IViewAnswer extends lockstep.replication.v1.ViewAnswer.$Properties {
            }

            /** Represents a ViewAnswer. */
            class ViewAnswer {

                /**
                 * Constructs a new ViewAnswer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.ViewAnswer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ViewAnswer generation. */
                generation: number;

                /**
                 * Encodes the specified ViewAnswer message. Does not implicitly {@link lockstep.replication.v1.ViewAnswer.verify|verify} messages.
                 * @param message ViewAnswer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.ViewAnswer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ViewAnswer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.ViewAnswer & lockstep.replication.v1.ViewAnswer.$Shape} ViewAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.ViewAnswer & lockstep.replication.v1.ViewAnswer.$Shape;

                /**
                 * Gets the type url for ViewAnswer
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace ViewAnswer {

                /** Properties of a ViewAnswer. */
                interface $Properties {

                    /** ViewAnswer generation */
                    generation?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ViewAnswer. */
                type $Shape = lockstep.replication.v1.ViewAnswer.$Properties;
            }

            /**
             * Properties of a Candidate.
             * @deprecated Use lockstep.replication.v1.Candidate.$Properties instead.
             */
            interface ICandidate extends lockstep.replication.v1.Candidate.$Properties {
            }

            /** Represents a Candidate. */
            class Candidate {

                /**
                 * Constructs a new Candidate.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Candidate.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Candidate generation. */
                generation: number;

                /** Candidate proposedGeneration. */
                proposedGeneration: number;

                /** Candidate sequence. */
                sequence: number;

                /**
                 * Encodes the specified Candidate message. Does not implicitly {@link lockstep.replication.v1.Candidate.verify|verify} messages.
                 * @param message Candidate message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Candidate.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Candidate message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Candidate & lockstep.replication.v1.Candidate.$Shape} Candidate
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Candidate & lockstep.replication.v1.Candidate.$Shape;

                /**
                 * Gets the type url for Candidate
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Candidate {

                /** Properties of a Candidate. */
                interface $Properties {

                    /** Candidate generation */
                    generation?: (number|null);

                    /** Candidate proposedGeneration */
                    proposedGeneration?: (number|null);

                    /** Candidate sequence */
                    sequence?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Candidate. */
                type $Shape = lockstep.replication.v1.Candidate.$Properties;
            }

            /**
             * Properties of a CandidateAnswer.
             * @deprecated Use lockstep.replication.v1.CandidateAnswer.$Properties instead.
             */
            interface ICandidateAnswer extends lockstep.replication.v1.CandidateAnswer.$Properties {
            }

            /** Represents a CandidateAnswer. */
            class CandidateAnswer {

                /**
                 * Constructs a new CandidateAnswer.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.CandidateAnswer.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** CandidateAnswer proposedGeneration. */
                proposedGeneration: number;

                /**
                 * Encodes the specified CandidateAnswer message. Does not implicitly {@link lockstep.replication.v1.CandidateAnswer.verify|verify} messages.
                 * @param message CandidateAnswer message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.CandidateAnswer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a CandidateAnswer message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.CandidateAnswer & lockstep.replication.v1.CandidateAnswer.$Shape} CandidateAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.CandidateAnswer & lockstep.replication.v1.CandidateAnswer.$Shape;

                /**
                 * Gets the type url for CandidateAnswer
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace CandidateAnswer {

                /** Properties of a CandidateAnswer. */
                interface $Properties {

                    /** CandidateAnswer proposedGeneration */
                    proposedGeneration?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a CandidateAnswer. */
                type $Shape = lockstep.replication.v1.CandidateAnswer.$Properties;
            }

            /**
             * Properties of a Refusal.
             * @deprecated Use lockstep.replication.v1.Refusal.$Properties instead.
             */
            interface IRefusal extends lockstep.replication.v1.Refusal.$Properties {
            }

            /** Represents a Refusal. */
            class Refusal {

                /**
                 * Constructs a new Refusal.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: lockstep.replication.v1.Refusal.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Refusal generation. */
                generation: number;

                /** Refusal reason. */
                reason: lockstep.replication.v1.RefusalReason;

                /** Refusal message. */
                message: string;

                /** Refusal primary. */
                primary: string;

                /**
                 * Encodes the specified Refusal message. Does not implicitly {@link lockstep.replication.v1.Refusal.verify|verify} messages.
                 * @param message Refusal message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: lockstep.replication.v1.Refusal.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Refusal message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Refusal & lockstep.replication.v1.Refusal.$Shape} Refusal
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): lockstep.replication.v1.Refusal & lockstep.replication.v1.Refusal.$Shape;

                /**
                 * Gets the type url for Refusal
                 * @param [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns The type url
                 */
                static getTypeUrl(prefix?: string): string;
            }

            namespace Refusal {

                /** Properties of a Refusal. */
                interface $Properties {

                    /** Refusal generation */
                    generation?: (number|null);

                    /** Refusal reason */
                    reason?: (lockstep.replication.v1.RefusalReason|null);

                    /** Refusal message */
                    message?: (string|null);

                    /** Refusal primary */
                    primary?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Refusal. */
                type $Shape = lockstep.replication.v1.Refusal.$Properties;
            }

            /** RefusalReason enum. */
            enum RefusalReason {

                /** REFUSAL_REASON_UNSPECIFIED value */
                REFUSAL_REASON_UNSPECIFIED = 0,

                /** REFUSAL_REASON_WIRE_VERSION value */
                REFUSAL_REASON_WIRE_VERSION = 1,

                /** REFUSAL_REASON_UNKNOWN_VOLUME value */
                REFUSAL_REASON_UNKNOWN_VOLUME = 2,

                /** REFUSAL_REASON_GENERATION value */
                REFUSAL_REASON_GENERATION = 3,

                /** REFUSAL_REASON_STATE value */
                REFUSAL_REASON_STATE = 4,

                /** REFUSAL_REASON_CHECKSUM value */
                REFUSAL_REASON_CHECKSUM = 5,

                /** REFUSAL_REASON_MALFORMED value */
                REFUSAL_REASON_MALFORMED = 6,

                /** REFUSAL_REASON_INCARNATION value */
                REFUSAL_REASON_INCARNATION = 7,

                /** REFUSAL_REASON_DISK value */
                REFUSAL_REASON_DISK = 8
            }
        }
    }
}
