/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["default"] || ($protobuf.roots["default"] = {});

export const lockstep = $root.lockstep = (() => {

    /**
     * Namespace lockstep.
     * @exports lockstep
     * @namespace
     */
    const lockstep = {};

    lockstep.replication = (function() {

        /**
         * Namespace replication.
         * @memberof lockstep
         * @namespace
         */
        const replication = {};

        replication.v1 = (function() {

            /**
             * Namespace v1.
             * @memberof lockstep.replication
             * @namespace
             */
            const v1 = {};

            v1.Frame = (function() {

                /**
                 * Properties of a Frame.
                 * @typedef {Object} lockstep.replication.v1.Frame.$Properties
                 * @property {lockstep.replication.v1.Hello.$Properties|null} [hello] Frame hello
                 * @property {lockstep.replication.v1.HelloAnswer.$Properties|null} [helloAnswer] Frame helloAnswer
                 * @property {lockstep.replication.v1.Write.$Properties|null} [write] Frame write
                 * @property {lockstep.replication.v1.WriteAnswer.$Properties|null} [writeAnswer] Frame writeAnswer
                 * @property {lockstep.replication.v1.Flush.$Properties|null} [flush] Frame flush
                 * @property {lockstep.replication.v1.FlushAnswer.$Properties|null} [flushAnswer] Frame flushAnswer
                 * @property {lockstep.replication.v1.Heartbeat.$Properties|null} [heartbeat] Frame heartbeat
                 * @property {lockstep.replication.v1.HeartbeatAnswer.$Properties|null} [heartbeatAnswer] Frame heartbeatAnswer
                 * @property {lockstep.replication.v1.Pull.$Properties|null} [pull] Frame pull
                 * @property {lockstep.replication.v1.PullRegion.$Properties|null} [pullRegion] Frame pullRegion
                 * @property {lockstep.replication.v1.PullDone.$Properties|null} [pullDone] Frame pullDone
                 * @property {lockstep.replication.v1.Copy.$Properties|null} [copy] Frame copy
                 * @property {lockstep.replication.v1.CopyAnswer.$Properties|null} [copyAnswer] Frame copyAnswer
                 * @property {lockstep.replication.v1.View.$Properties|null} [view] Frame view
                 * @property {lockstep.replication.v1.Candidate.$Properties|null} [candidate] Frame candidate
                 * @property {lockstep.replication.v1.CandidateAnswer.$Properties|null} [candidateAnswer] Frame candidateAnswer
                 * @property {lockstep.replication.v1.Refusal.$Properties|null} [refusal] Frame refusal
                 * @property {lockstep.replication.v1.ViewAnswer.$Properties|null} [viewAnswer] Frame viewAnswer
                 * @property {lockstep.replication.v1.Yield.$Properties|null} ["yield"] Frame yield
                 * @property {lockstep.replication.v1.Fetch.$Properties|null} [fetch] Frame fetch
                 * @property {lockstep.replication.v1.Fetched.$Properties|null} [fetched] Frame fetched
                 * @property {lockstep.replication.v1.CopyBegin.$Properties|null} [copyBegin] Frame copyBegin
                 * @property {lockstep.replication.v1.Verify.$Properties|null} [verify] Frame verify
                 * @property {lockstep.replication.v1.Verified.$Properties|null} [verified] Frame verified
                 * @property {lockstep.replication.v1.VerifyHoles.$Properties|null} [verifyHoles] Frame verifyHoles
                 * @property {lockstep.replication.v1.VerifiedHoles.$Properties|null} [verifiedHoles] Frame verifiedHoles
                 * @property {lockstep.replication.v1.Scrubbed.$Properties|null} [scrubbed] Frame scrubbed
                 * @property {"hello"|"helloAnswer"|"write"|"writeAnswer"|"flush"|"flushAnswer"|"heartbeat"|"heartbeatAnswer"|"pull"|"pullRegion"|"pullDone"|"copy"|"copyAnswer"|"view"|"candidate"|"candidateAnswer"|"refusal"|"viewAnswer"|"yield"|"fetch"|"fetched"|"copyBegin"|"verify"|"verified"|"verifyHoles"|"verifiedHoles"|"scrubbed"} [body] Frame body
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Frame.
                 * @memberof lockstep.replication.v1
                 * @interface IFrame
                 * @augments lockstep.replication.v1.Frame.$Properties
                 * @deprecated Use lockstep.replication.v1.Frame.$Properties instead.
                 */

                /**
                 * Narrowed shape of a Frame.
                 * @typedef {{
                 *   hello?: lockstep.replication.v1.Hello.$Shape|null;
                 *   helloAnswer?: lockstep.replication.v1.HelloAnswer.$Shape|null;
                 *   write?: lockstep.replication.v1.Write.$Shape|null;
                 *   writeAnswer?: lockstep.replication.v1.WriteAnswer.$Shape|null;
                 *   flush?: lockstep.replication.v1.Flush.$Shape|null;
                 *   flushAnswer?: lockstep.replication.v1.FlushAnswer.$Shape|null;
                 *   heartbeat?: lockstep.replication.v1.Heartbeat.$Shape|null;
                 *   heartbeatAnswer?: lockstep.replication.v1.HeartbeatAnswer.$Shape|null;
                 *   pull?: lockstep.replication.v1.Pull.$Shape|null;
                 *   pullRegion?: lockstep.replication.v1.PullRegion.$Shape|null;
                 *   pullDone?: lockstep.replication.v1.PullDone.$Shape|null;
                 *   copy?: lockstep.replication.v1.Copy.$Shape|null;
                 *   copyAnswer?: lockstep.replication.v1.CopyAnswer.$Shape|null;
                 *   view?: lockstep.replication.v1.View.$Shape|null;
                 *   candidate?: lockstep.replication.v1.Candidate.$Shape|null;
                 *   candidateAnswer?: lockstep.replication.v1.CandidateAnswer.$Shape|null;
                 *   refusal?: lockstep.replication.v1.Refusal.$Shape|null;
                 *   viewAnswer?: lockstep.replication.v1.ViewAnswer.$Shape|null;
                 *   "yield"?: lockstep.replication.v1.Yield.$Shape|null;
                 *   fetch?: lockstep.replication.v1.Fetch.$Shape|null;
                 *   fetched?: lockstep.replication.v1.Fetched.$Shape|null;
                 *   copyBegin?: lockstep.replication.v1.CopyBegin.$Shape|null;
                 *   verify?: lockstep.replication.v1.Verify.$Shape|null;
                 *   verified?: lockstep.replication.v1.Verified.$Shape|null;
                 *   verifyHoles?: lockstep.replication.v1.VerifyHoles.$Shape|null;
                 *   verifiedHoles?: lockstep.replication.v1.VerifiedHoles.$Shape|null;
                 *   scrubbed?: lockstep.replication.v1.Scrubbed.$Shape|null;
                 *   $unknowns?: Array.<Uint8Array>;
                 * } & (
                 *   ({ body?: undefined; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "hello"; hello: lockstep.replication.v1.Hello.$Shape; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "helloAnswer"; hello?: null; helloAnswer: lockstep.replication.v1.HelloAnswer.$Shape; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "write"; hello?: null; helloAnswer?: null; write: lockstep.replication.v1.Write.$Shape; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "writeAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer: lockstep.replication.v1.WriteAnswer.$Shape; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "flush"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush: lockstep.replication.v1.Flush.$Shape; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "flushAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer: lockstep.replication.v1.FlushAnswer.$Shape; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "heartbeat"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat: lockstep.replication.v1.Heartbeat.$Shape; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "heartbeatAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer: lockstep.replication.v1.HeartbeatAnswer.$Shape; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "pull"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull: lockstep.replication.v1.Pull.$Shape; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "pullRegion"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion: lockstep.replication.v1.PullRegion.$Shape; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "pullDone"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone: lockstep.replication.v1.PullDone.$Shape; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "copy"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy: lockstep.replication.v1.Copy.$Shape; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "copyAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer: lockstep.replication.v1.CopyAnswer.$Shape; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "view"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view: lockstep.replication.v1.View.$Shape; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "candidate"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate: lockstep.replication.v1.Candidate.$Shape; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "candidateAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer: lockstep.replication.v1.CandidateAnswer.$Shape; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "refusal"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal: lockstep.replication.v1.Refusal.$Shape; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "viewAnswer"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer: lockstep.replication.v1.ViewAnswer.$Shape; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "yield"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield": lockstep.replication.v1.Yield.$Shape; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "fetch"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch: lockstep.replication.v1.Fetch.$Shape; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "fetched"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched: lockstep.replication.v1.Fetched.$Shape; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "copyBegin"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin: lockstep.replication.v1.CopyBegin.$Shape; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "verify"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify: lockstep.replication.v1.Verify.$Shape; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "verified"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified: lockstep.replication.v1.Verified.$Shape; verifyHoles?: null; verifiedHoles?: null; scrubbed?: null }|{ body?: "verifyHoles"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles: lockstep.replication.v1.VerifyHoles.$Shape; verifiedHoles?: null; scrubbed?: null }|{ body?: "verifiedHoles"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles: lockstep.replication.v1.VerifiedHoles.$Shape; scrubbed?: null }|{ body?: "scrubbed"; hello?: null; helloAnswer?: null; write?: null; writeAnswer?: null; flush?: null; flushAnswer?: null; heartbeat?: null; heartbeatAnswer?: null; pull?: null; pullRegion?: null; pullDone?: null; copy?: null; copyAnswer?: null; view?: null; candidate?: null; candidateAnswer?: null; refusal?: null; viewAnswer?: null; "yield"?: null; fetch?: null; fetched?: null; copyBegin?: null; verify?: null; verified?: null; verifyHoles?: null; verifiedHoles?: null; scrubbed: lockstep.replication.v1.Scrubbed.$Shape })
                 * )} lockstep.replication.v1.Frame.$Shape
                 */

                /**
                 * Constructs a new Frame.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Frame.
                 * @constructor
                 * @param {lockstep.replication.v1.Frame.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Frame = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Frame hello.
                 * @member {lockstep.replication.v1.Hello.$Properties|null|undefined} hello
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.hello = null;

                /**
                 * Frame helloAnswer.
                 * @member {lockstep.replication.v1.HelloAnswer.$Properties|null|undefined} helloAnswer
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.helloAnswer = null;

                /**
                 * Frame write.
                 * @member {lockstep.replication.v1.Write.$Properties|null|undefined} write
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.write = null;

                /**
                 * Frame writeAnswer.
                 * @member {lockstep.replication.v1.WriteAnswer.$Properties|null|undefined} writeAnswer
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.writeAnswer = null;

                /**
                 * Frame flush.
                 * @member {lockstep.replication.v1.Flush.$Properties|null|undefined} flush
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.flush = null;

                /**
                 * Frame flushAnswer.
                 * @member {lockstep.replication.v1.FlushAnswer.$Properties|null|undefined} flushAnswer
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.flushAnswer = null;

                /**
                 * Frame heartbeat.
                 * @member {lockstep.replication.v1.Heartbeat.$Properties|null|undefined} heartbeat
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.heartbeat = null;

                /**
                 * Frame heartbeatAnswer.
                 * @member {lockstep.replication.v1.HeartbeatAnswer.$Properties|null|undefined} heartbeatAnswer
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.heartbeatAnswer = null;

                /**
                 * Frame pull.
                 * @member {lockstep.replication.v1.Pull.$Properties|null|undefined} pull
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.pull = null;

                /**
                 * Frame pullRegion.
                 * @member {lockstep.replication.v1.PullRegion.$Properties|null|undefined} pullRegion
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.pullRegion = null;

                /**
                 * Frame pullDone.
                 * @member {lockstep.replication.v1.PullDone.$Properties|null|undefined} pullDone
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.pullDone = null;

                /**
                 * Frame copy.
                 * @member {lockstep.replication.v1.Copy.$Properties|null|undefined} copy
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.copy = null;

                /**
                 * Frame copyAnswer.
                 * @member {lockstep.replication.v1.CopyAnswer.$Properties|null|undefined} copyAnswer
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.copyAnswer = null;

                /**
                 * Frame view.
                 * @member {lockstep.replication.v1.View.$Properties|null|undefined} view
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.view = null;

                /**
                 * Frame candidate.
                 * @member {lockstep.replication.v1.Candidate.$Properties|null|undefined} candidate
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.candidate = null;

                /**
                 * Frame candidateAnswer.
                 * @member {lockstep.replication.v1.CandidateAnswer.$Properties|null|undefined} candidateAnswer
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.candidateAnswer = null;

                /**
                 * Frame refusal.
                 * @member {lockstep.replication.v1.Refusal.$Properties|null|undefined} refusal
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.refusal = null;

                /**
                 * Frame viewAnswer.
                 * @member {lockstep.replication.v1.ViewAnswer.$Properties|null|undefined} viewAnswer
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.viewAnswer = null;

                /**
                 * Frame yield.
                 * @member {lockstep.replication.v1.Yield.$Properties|null|undefined} yield
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype["yield"] = null;

                /**
                 * Frame fetch.
                 * @member {lockstep.replication.v1.Fetch.$Properties|null|undefined} fetch
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.fetch = null;

                /**
                 * Frame fetched.
                 * @member {lockstep.replication.v1.Fetched.$Properties|null|undefined} fetched
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.fetched = null;

                /**
                 * Frame copyBegin.
                 * @member {lockstep.replication.v1.CopyBegin.$Properties|null|undefined} copyBegin
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.copyBegin = null;

                /**
                 * Frame verify.
                 * @member {lockstep.replication.v1.Verify.$Properties|null|undefined} verify
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.verify = null;

                /**
                 * Frame verified.
                 * @member {lockstep.replication.v1.Verified.$Properties|null|undefined} verified
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.verified = null;

                /**
                 * Frame verifyHoles.
                 * @member {lockstep.replication.v1.VerifyHoles.$Properties|null|undefined} verifyHoles
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.verifyHoles = null;

                /**
                 * Frame verifiedHoles.
                 * @member {lockstep.replication.v1.VerifiedHoles.$Properties|null|undefined} verifiedHoles
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.verifiedHoles = null;

                /**
                 * Frame scrubbed.
                 * @member {lockstep.replication.v1.Scrubbed.$Properties|null|undefined} scrubbed
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                Frame.prototype.scrubbed = null;

                // OneOf field names bound to virtual getters and setters
                let $oneOfFields;

                /**
                 * Frame body.
                 * @member {"hello"|"helloAnswer"|"write"|"writeAnswer"|"flush"|"flushAnswer"|"heartbeat"|"heartbeatAnswer"|"pull"|"pullRegion"|"pullDone"|"copy"|"copyAnswer"|"view"|"candidate"|"candidateAnswer"|"refusal"|"viewAnswer"|"yield"|"fetch"|"fetched"|"copyBegin"|"verify"|"verified"|"verifyHoles"|"verifiedHoles"|"scrubbed"|undefined} body
                 * @memberof lockstep.replication.v1.Frame
                 * @instance
                 */
                $Object.defineProperty(Frame.prototype, "body", {
                    get: $util.oneOfGetter($oneOfFields = ["hello", "helloAnswer", "write", "writeAnswer", "flush", "flushAnswer", "heartbeat", "heartbeatAnswer", "pull", "pullRegion", "pullDone", "copy", "copyAnswer", "view", "candidate", "candidateAnswer", "refusal", "viewAnswer", "yield", "fetch", "fetched", "copyBegin", "verify", "verified", "verifyHoles", "verifiedHoles", "scrubbed"]),
                    set: $util.oneOfSetter($oneOfFields)
                });

                /**
                 * Encodes the specified Frame message. Does not implicitly {@link lockstep.replication.v1.Frame.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Frame
                 * @static
                 * @param {lockstep.replication.v1.Frame.$Properties} message Frame message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Frame.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.hello != null && $Object.hasOwnProperty.call(message, "hello"))
                        $root.lockstep.replication.v1.Hello.encode(message.hello, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                    if (message.helloAnswer != null && $Object.hasOwnProperty.call(message, "helloAnswer"))
                        $root.lockstep.replication.v1.HelloAnswer.encode(message.helloAnswer, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                    if (message.write != null && $Object.hasOwnProperty.call(message, "write"))
                        $root.lockstep.replication.v1.Write.encode(message.write, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                    if (message.writeAnswer != null && $Object.hasOwnProperty.call(message, "writeAnswer"))
                        $root.lockstep.replication.v1.WriteAnswer.encode(message.writeAnswer, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                    if (message.flush != null && $Object.hasOwnProperty.call(message, "flush"))
                        $root.lockstep.replication.v1.Flush.encode(message.flush, writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                    if (message.flushAnswer != null && $Object.hasOwnProperty.call(message, "flushAnswer"))
                        $root.lockstep.replication.v1.FlushAnswer.encode(message.flushAnswer, writer.uint32(/* id 6, wireType 2 =*/50).fork(), _depth + 1).ldelim();
                    if (message.heartbeat != null && $Object.hasOwnProperty.call(message, "heartbeat"))
                        $root.lockstep.replication.v1.Heartbeat.encode(message.heartbeat, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                    if (message.heartbeatAnswer != null && $Object.hasOwnProperty.call(message, "heartbeatAnswer"))
                        $root.lockstep.replication.v1.HeartbeatAnswer.encode(message.heartbeatAnswer, writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
                    if (message.pull != null && $Object.hasOwnProperty.call(message, "pull"))
                        $root.lockstep.replication.v1.Pull.encode(message.pull, writer.uint32(/* id 9, wireType 2 =*/74).fork(), _depth + 1).ldelim();
                    if (message.pullRegion != null && $Object.hasOwnProperty.call(message, "pullRegion"))
                        $root.lockstep.replication.v1.PullRegion.encode(message.pullRegion, writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
                    if (message.pullDone != null && $Object.hasOwnProperty.call(message, "pullDone"))
                        $root.lockstep.replication.v1.PullDone.encode(message.pullDone, writer.uint32(/* id 11, wireType 2 =*/90).fork(), _depth + 1).ldelim();
                    if (message.copy != null && $Object.hasOwnProperty.call(message, "copy"))
                        $root.lockstep.replication.v1.Copy.encode(message.copy, writer.uint32(/* id 12, wireType 2 =*/98).fork(), _depth + 1).ldelim();
                    if (message.copyAnswer != null && $Object.hasOwnProperty.call(message, "copyAnswer"))
                        $root.lockstep.replication.v1.CopyAnswer.encode(message.copyAnswer, writer.uint32(/* id 13, wireType 2 =*/106).fork(), _depth + 1).ldelim();
                    if (message.view != null && $Object.hasOwnProperty.call(message, "view"))
                        $root.lockstep.replication.v1.View.encode(message.view, writer.uint32(/* id 14, wireType 2 =*/114).fork(), _depth + 1).ldelim();
                    if (message.candidate != null && $Object.hasOwnProperty.call(message, "candidate"))
                        $root.lockstep.replication.v1.Candidate.encode(message.candidate, writer.uint32(/* id 15, wireType 2 =*/122).fork(), _depth + 1).ldelim();
                    if (message.candidateAnswer != null && $Object.hasOwnProperty.call(message, "candidateAnswer"))
                        $root.lockstep.replication.v1.CandidateAnswer.encode(message.candidateAnswer, writer.uint32(/* id 16, wireType 2 =*/130).fork(), _depth + 1).ldelim();
                    if (message.refusal != null && $Object.hasOwnProperty.call(message, "refusal"))
                        $root.lockstep.replication.v1.Refusal.encode(message.refusal, writer.uint32(/* id 17, wireType 2 =*/138).fork(), _depth + 1).ldelim();
                    if (message.viewAnswer != null && $Object.hasOwnProperty.call(message, "viewAnswer"))
                        $root.lockstep.replication.v1.ViewAnswer.encode(message.viewAnswer, writer.uint32(/* id 18, wireType 2 =*/146).fork(), _depth + 1).ldelim();
                    if (message["yield"] != null && $Object.hasOwnProperty.call(message, "yield"))
                        $root.lockstep.replication.v1.Yield.encode(message["yield"], writer.uint32(/* id 19, wireType 2 =*/154).fork(), _depth + 1).ldelim();
                    if (message.fetch != null && $Object.hasOwnProperty.call(message, "fetch"))
                        $root.lockstep.replication.v1.Fetch.encode(message.fetch, writer.uint32(/* id 20, wireType 2 =*/162).fork(), _depth + 1).ldelim();
                    if (message.fetched != null && $Object.hasOwnProperty.call(message, "fetched"))
                        $root.lockstep.replication.v1.Fetched.encode(message.fetched, writer.uint32(/* id 21, wireType 2 =*/170).fork(), _depth + 1).ldelim();
                    if (message.copyBegin != null && $Object.hasOwnProperty.call(message, "copyBegin"))
                        $root.lockstep.replication.v1.CopyBegin.encode(message.copyBegin, writer.uint32(/* id 22, wireType 2 =*/178).fork(), _depth + 1).ldelim();
                    if (message.verify != null && $Object.hasOwnProperty.call(message, "verify"))
                        $root.lockstep.replication.v1.Verify.encode(message.verify, writer.uint32(/* id 23, wireType 2 =*/186).fork(), _depth + 1).ldelim();
                    if (message.verified != null && $Object.hasOwnProperty.call(message, "verified"))
                        $root.lockstep.replication.v1.Verified.encode(message.verified, writer.uint32(/* id 24, wireType 2 =*/194).fork(), _depth + 1).ldelim();
                    if (message.verifyHoles != null && $Object.hasOwnProperty.call(message, "verifyHoles"))
                        $root.lockstep.replication.v1.VerifyHoles.encode(message.verifyHoles, writer.uint32(/* id 25, wireType 2 =*/202).fork(), _depth + 1).ldelim();
                    if (message.verifiedHoles != null && $Object.hasOwnProperty.call(message, "verifiedHoles"))
                        $root.lockstep.replication.v1.VerifiedHoles.encode(message.verifiedHoles, writer.uint32(/* id 26, wireType 2 =*/210).fork(), _depth + 1).ldelim();
                    if (message.scrubbed != null && $Object.hasOwnProperty.call(message, "scrubbed"))
                        $root.lockstep.replication.v1.Scrubbed.encode(message.scrubbed, writer.uint32(/* id 27, wireType 2 =*/218).fork(), _depth + 1).ldelim();
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Frame message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Frame
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Frame & lockstep.replication.v1.Frame.$Shape} Frame
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Frame.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Frame();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 2)
                                    break;
                                message.hello = $root.lockstep.replication.v1.Hello.decode(reader, reader.size(), $undefined, _depth + 1, message.hello);
                                message.body = "hello";
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                message.helloAnswer = $root.lockstep.replication.v1.HelloAnswer.decode(reader, reader.size(), $undefined, _depth + 1, message.helloAnswer);
                                message.body = "helloAnswer";
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                message.write = $root.lockstep.replication.v1.Write.decode(reader, reader.size(), $undefined, _depth + 1, message.write);
                                message.body = "write";
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                message.writeAnswer = $root.lockstep.replication.v1.WriteAnswer.decode(reader, reader.size(), $undefined, _depth + 1, message.writeAnswer);
                                message.body = "writeAnswer";
                                continue;
                            }
                        case 5: {
                                if (wireType !== 2)
                                    break;
                                message.flush = $root.lockstep.replication.v1.Flush.decode(reader, reader.size(), $undefined, _depth + 1, message.flush);
                                message.body = "flush";
                                continue;
                            }
                        case 6: {
                                if (wireType !== 2)
                                    break;
                                message.flushAnswer = $root.lockstep.replication.v1.FlushAnswer.decode(reader, reader.size(), $undefined, _depth + 1, message.flushAnswer);
                                message.body = "flushAnswer";
                                continue;
                            }
                        case 7: {
                                if (wireType !== 2)
                                    break;
                                message.heartbeat = $root.lockstep.replication.v1.Heartbeat.decode(reader, reader.size(), $undefined, _depth + 1, message.heartbeat);
                                message.body = "heartbeat";
                                continue;
                            }
                        case 8: {
                                if (wireType !== 2)
                                    break;
                                message.heartbeatAnswer = $root.lockstep.replication.v1.HeartbeatAnswer.decode(reader, reader.size(), $undefined, _depth + 1, message.heartbeatAnswer);
                                message.body = "heartbeatAnswer";
                                continue;
                            }
                        case 9: {
                                if (wireType !== 2)
                                    break;
                                message.pull = $root.lockstep.replication.v1.Pull.decode(reader, reader.size(), $undefined, _depth + 1, message.pull);
                                message.body = "pull";
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                message.pullRegion = $root.lockstep.replication.v1.PullRegion.decode(reader, reader.size(), $undefined, _depth + 1, message.pullRegion);
                                message.body = "pullRegion";
                                continue;
                            }
                        case 11: {
                                if (wireType !== 2)
                                    break;
                                message.pullDone = $root.lockstep.replication.v1.PullDone.decode(reader, reader.size(), $undefined, _depth + 1, message.pullDone);
                                message.body = "pullDone";
                                continue;
                            }
                        case 12: {
                                if (wireType !== 2)
                                    break;
                                message.copy = $root.lockstep.replication.v1.Copy.decode(reader, reader.size(), $undefined, _depth + 1, message.copy);
                                message.body = "copy";
                                continue;
                            }
                        case 13: {
                                if (wireType !== 2)
                                    break;
                                message.copyAnswer = $root.lockstep.replication.v1.CopyAnswer.decode(reader, reader.size(), $undefined, _depth + 1, message.copyAnswer);
                                message.body = "copyAnswer";
                                continue;
                            }
                        case 14: {
                                if (wireType !== 2)
                                    break;
                                message.view = $root.lockstep.replication.v1.View.decode(reader, reader.size(), $undefined, _depth + 1, message.view);
                                message.body = "view";
                                continue;
                            }
                        case 15: {
                                if (wireType !== 2)
                                    break;
                                message.candidate = $root.lockstep.replication.v1.Candidate.decode(reader, reader.size(), $undefined, _depth + 1, message.candidate);
                                message.body = "candidate";
                                continue;
                            }
                        case 16: {
                                if (wireType !== 2)
                                    break;
                                message.candidateAnswer = $root.lockstep.replication.v1.CandidateAnswer.decode(reader, reader.size(), $undefined, _depth + 1, message.candidateAnswer);
                                message.body = "candidateAnswer";
                                continue;
                            }
                        case 17: {
                                if (wireType !== 2)
                                    break;
                                message.refusal = $root.lockstep.replication.v1.Refusal.decode(reader, reader.size(), $undefined, _depth + 1, message.refusal);
                                message.body = "refusal";
                                continue;
                            }
                        case 18: {
                                if (wireType !== 2)
                                    break;
                                message.viewAnswer = $root.lockstep.replication.v1.ViewAnswer.decode(reader, reader.size(), $undefined, _depth + 1, message.viewAnswer);
                                message.body = "viewAnswer";
                                continue;
                            }
                        case 19: {
                                if (wireType !== 2)
                                    break;
                                message["yield"] = $root.lockstep.replication.v1.Yield.decode(reader, reader.size(), $undefined, _depth + 1, message["yield"]);
                                message.body = "yield";
                                continue;
                            }
                        case 20: {
                                if (wireType !== 2)
                                    break;
                                message.fetch = $root.lockstep.replication.v1.Fetch.decode(reader, reader.size(), $undefined, _depth + 1, message.fetch);
                                message.body = "fetch";
                                continue;
                            }
                        case 21: {
                                if (wireType !== 2)
                                    break;
                                message.fetched = $root.lockstep.replication.v1.Fetched.decode(reader, reader.size(), $undefined, _depth + 1, message.fetched);
                                message.body = "fetched";
                                continue;
                            }
                        case 22: {
                                if (wireType !== 2)
                                    break;
                                message.copyBegin = $root.lockstep.replication.v1.CopyBegin.decode(reader, reader.size(), $undefined, _depth + 1, message.copyBegin);
                                message.body = "copyBegin";
                                continue;
                            }
                        case 23: {
                                if (wireType !== 2)
                                    break;
                                message.verify = $root.lockstep.replication.v1.Verify.decode(reader, reader.size(), $undefined, _depth + 1, message.verify);
                                message.body = "verify";
                                continue;
                            }
                        case 24: {
                                if (wireType !== 2)
                                    break;
                                message.verified = $root.lockstep.replication.v1.Verified.decode(reader, reader.size(), $undefined, _depth + 1, message.verified);
                                message.body = "verified";
                                continue;
                            }
                        case 25: {
                                if (wireType !== 2)
                                    break;
                                message.verifyHoles = $root.lockstep.replication.v1.VerifyHoles.decode(reader, reader.size(), $undefined, _depth + 1, message.verifyHoles);
                                message.body = "verifyHoles";
                                continue;
                            }
                        case 26: {
                                if (wireType !== 2)
                                    break;
                                message.verifiedHoles = $root.lockstep.replication.v1.VerifiedHoles.decode(reader, reader.size(), $undefined, _depth + 1, message.verifiedHoles);
                                message.body = "verifiedHoles";
                                continue;
                            }
                        case 27: {
                                if (wireType !== 2)
                                    break;
                                message.scrubbed = $root.lockstep.replication.v1.Scrubbed.decode(reader, reader.size(), $undefined, _depth + 1, message.scrubbed);
                                message.body = "scrubbed";
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Frame
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Frame
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Frame.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Frame";
                };

                return Frame;
            })();

            v1.Hello = (function() {

                /**
                 * Properties of a Hello.
                 * @typedef {Object} lockstep.replication.v1.Hello.$Properties
                 * @property {number|null} [wireVersion] Hello wireVersion
                 * @property {string|null} [volume] Hello volume
                 * @property {number|null} [sizeBytes] Hello sizeBytes
                 * @property {string|null} [host] Hello host
                 * @property {number|null} [generation] Hello generation
                 * @property {number|null} [incarnation] Hello incarnation
                 * @property {number|null} [peerIncarnation] Hello peerIncarnation
                 * @property {lockstep.replication.v1.HelloIntent|null} [intent] Hello intent
                 * @property {number|null} [oldestVersion] Hello oldestVersion
                 * @property {Array.<string>|null} [inSync] Hello inSync
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Hello.
                 * @memberof lockstep.replication.v1
                 * @interface IHello
                 * @augments lockstep.replication.v1.Hello.$Properties
                 * @deprecated Use lockstep.replication.v1.Hello.$Properties instead.
                 */

                /**
                 * Shape of a Hello.
                 * @typedef {lockstep.replication.v1.Hello.$Properties} lockstep.replication.v1.Hello.$Shape
                 */

                /**
                 * Constructs a new Hello.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Hello.
                 * @constructor
                 * @param {lockstep.replication.v1.Hello.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Hello = function (properties) {
                    this.inSync = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Hello wireVersion.
                 * @member {number} wireVersion
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.wireVersion = 0;

                /**
                 * Hello volume.
                 * @member {string} volume
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.volume = "";

                /**
                 * Hello sizeBytes.
                 * @member {number} sizeBytes
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.sizeBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Hello host.
                 * @member {string} host
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.host = "";

                /**
                 * Hello generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Hello incarnation.
                 * @member {number} incarnation
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.incarnation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Hello peerIncarnation.
                 * @member {number} peerIncarnation
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.peerIncarnation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Hello intent.
                 * @member {lockstep.replication.v1.HelloIntent} intent
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.intent = 0;

                /**
                 * Hello oldestVersion.
                 * @member {number} oldestVersion
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.oldestVersion = 0;

                /**
                 * Hello inSync.
                 * @member {Array.<string>} inSync
                 * @memberof lockstep.replication.v1.Hello
                 * @instance
                 */
                Hello.prototype.inSync = $util.emptyArray;

                /**
                 * Encodes the specified Hello message. Does not implicitly {@link lockstep.replication.v1.Hello.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Hello
                 * @static
                 * @param {lockstep.replication.v1.Hello.$Properties} message Hello message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Hello.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.wireVersion != null && $Object.hasOwnProperty.call(message, "wireVersion") && message.wireVersion !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.wireVersion);
                    if (message.volume != null && $Object.hasOwnProperty.call(message, "volume") && message.volume !== "")
                        writer.uint32(/* id 2, wireType 2 =*/18).string(message.volume);
                    if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes") && (typeof message.sizeBytes === "object" ? message.sizeBytes.low || message.sizeBytes.high : message.sizeBytes !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.sizeBytes);
                    if (message.host != null && $Object.hasOwnProperty.call(message, "host") && message.host !== "")
                        writer.uint32(/* id 4, wireType 2 =*/34).string(message.host);
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.generation);
                    if (message.incarnation != null && $Object.hasOwnProperty.call(message, "incarnation") && (typeof message.incarnation === "object" ? message.incarnation.low || message.incarnation.high : message.incarnation !== 0))
                        writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.incarnation);
                    if (message.peerIncarnation != null && $Object.hasOwnProperty.call(message, "peerIncarnation") && (typeof message.peerIncarnation === "object" ? message.peerIncarnation.low || message.peerIncarnation.high : message.peerIncarnation !== 0))
                        writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.peerIncarnation);
                    if (message.intent != null && $Object.hasOwnProperty.call(message, "intent") && message.intent !== 0)
                        writer.uint32(/* id 8, wireType 0 =*/64).int32(message.intent);
                    if (message.oldestVersion != null && $Object.hasOwnProperty.call(message, "oldestVersion") && message.oldestVersion !== 0)
                        writer.uint32(/* id 9, wireType 0 =*/72).uint32(message.oldestVersion);
                    if (message.inSync != null && message.inSync.length)
                        for (let i = 0; i < message.inSync.length; ++i)
                            writer.uint32(/* id 10, wireType 2 =*/82).string(message.inSync[i]);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Hello message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Hello
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Hello & lockstep.replication.v1.Hello.$Shape} Hello
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Hello.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Hello();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.wireVersion = value;
                                else
                                    delete message.wireVersion;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.volume = value;
                                else
                                    delete message.volume;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.sizeBytes = value;
                                else
                                    delete message.sizeBytes;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.host = value;
                                else
                                    delete message.host;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.incarnation = value;
                                else
                                    delete message.incarnation;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.peerIncarnation = value;
                                else
                                    delete message.peerIncarnation;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.intent = value;
                                else
                                    delete message.intent;
                                continue;
                            }
                        case 9: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.oldestVersion = value;
                                else
                                    delete message.oldestVersion;
                                continue;
                            }
                        case 10: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.inSync && message.inSync.length))
                                    message.inSync = [];
                                message.inSync.push(reader.stringVerify());
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Hello
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Hello
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Hello.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Hello";
                };

                return Hello;
            })();

            /**
             * HelloIntent enum.
             * @name lockstep.replication.v1.HelloIntent
             * @enum {number}
             * @property {number} HELLO_INTENT_UNSPECIFIED=0 HELLO_INTENT_UNSPECIFIED value
             * @property {number} HELLO_INTENT_RESUME=1 HELLO_INTENT_RESUME value
             * @property {number} HELLO_INTENT_RECOVER=2 HELLO_INTENT_RECOVER value
             * @property {number} HELLO_INTENT_JOIN=3 HELLO_INTENT_JOIN value
             */
            v1.HelloIntent = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "HELLO_INTENT_UNSPECIFIED"] = 0;
                values[valuesById[1] = "HELLO_INTENT_RESUME"] = 1;
                values[valuesById[2] = "HELLO_INTENT_RECOVER"] = 2;
                values[valuesById[3] = "HELLO_INTENT_JOIN"] = 3;
                return values;
            })();

            v1.HelloAnswer = (function() {

                /**
                 * Properties of a HelloAnswer.
                 * @typedef {Object} lockstep.replication.v1.HelloAnswer.$Properties
                 * @property {number|null} [wireVersion] HelloAnswer wireVersion
                 * @property {string|null} [host] HelloAnswer host
                 * @property {number|null} [generation] HelloAnswer generation
                 * @property {number|null} [incarnation] HelloAnswer incarnation
                 * @property {number|null} [appliedSequence] HelloAnswer appliedSequence
                 * @property {boolean|null} [unstableKnown] HelloAnswer unstableKnown
                 * @property {boolean|null} [blank] HelloAnswer blank
                 * @property {number|null} [consistentAt] HelloAnswer consistentAt
                 * @property {boolean|null} [changesKnown] HelloAnswer changesKnown
                 * @property {boolean|null} [distrusted] HelloAnswer distrusted
                 * @property {number|null} [checksum] HelloAnswer checksum
                 * @property {number|null} [copyingSince] HelloAnswer copyingSince
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a HelloAnswer.
                 * @memberof lockstep.replication.v1
                 * @interface IHelloAnswer
                 * @augments lockstep.replication.v1.HelloAnswer.$Properties
                 * @deprecated Use lockstep.replication.v1.HelloAnswer.$Properties instead.
                 */

                /**
                 * Shape of a HelloAnswer.
                 * @typedef {lockstep.replication.v1.HelloAnswer.$Properties} lockstep.replication.v1.HelloAnswer.$Shape
                 */

                /**
                 * Constructs a new HelloAnswer.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a HelloAnswer.
                 * @constructor
                 * @param {lockstep.replication.v1.HelloAnswer.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const HelloAnswer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * HelloAnswer wireVersion.
                 * @member {number} wireVersion
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.wireVersion = 0;

                /**
                 * HelloAnswer host.
                 * @member {string} host
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.host = "";

                /**
                 * HelloAnswer generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * HelloAnswer incarnation.
                 * @member {number} incarnation
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.incarnation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * HelloAnswer appliedSequence.
                 * @member {number} appliedSequence
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.appliedSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * HelloAnswer unstableKnown.
                 * @member {boolean} unstableKnown
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.unstableKnown = false;

                /**
                 * HelloAnswer blank.
                 * @member {boolean} blank
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.blank = false;

                /**
                 * HelloAnswer consistentAt.
                 * @member {number} consistentAt
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.consistentAt = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * HelloAnswer changesKnown.
                 * @member {boolean} changesKnown
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.changesKnown = false;

                /**
                 * HelloAnswer distrusted.
                 * @member {boolean} distrusted
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.distrusted = false;

                /**
                 * HelloAnswer checksum.
                 * @member {number} checksum
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.checksum = 0;

                /**
                 * HelloAnswer copyingSince.
                 * @member {number} copyingSince
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @instance
                 */
                HelloAnswer.prototype.copyingSince = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified HelloAnswer message. Does not implicitly {@link lockstep.replication.v1.HelloAnswer.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @static
                 * @param {lockstep.replication.v1.HelloAnswer.$Properties} message HelloAnswer message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                HelloAnswer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.wireVersion != null && $Object.hasOwnProperty.call(message, "wireVersion") && message.wireVersion !== 0)
                        writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.wireVersion);
                    if (message.host != null && $Object.hasOwnProperty.call(message, "host") && message.host !== "")
                        writer.uint32(/* id 2, wireType 2 =*/18).string(message.host);
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.generation);
                    if (message.incarnation != null && $Object.hasOwnProperty.call(message, "incarnation") && (typeof message.incarnation === "object" ? message.incarnation.low || message.incarnation.high : message.incarnation !== 0))
                        writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.incarnation);
                    if (message.appliedSequence != null && $Object.hasOwnProperty.call(message, "appliedSequence") && (typeof message.appliedSequence === "object" ? message.appliedSequence.low || message.appliedSequence.high : message.appliedSequence !== 0))
                        writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.appliedSequence);
                    if (message.unstableKnown != null && $Object.hasOwnProperty.call(message, "unstableKnown") && message.unstableKnown !== false)
                        writer.uint32(/* id 6, wireType 0 =*/48).bool(message.unstableKnown);
                    if (message.blank != null && $Object.hasOwnProperty.call(message, "blank") && message.blank !== false)
                        writer.uint32(/* id 7, wireType 0 =*/56).bool(message.blank);
                    if (message.consistentAt != null && $Object.hasOwnProperty.call(message, "consistentAt") && (typeof message.consistentAt === "object" ? message.consistentAt.low || message.consistentAt.high : message.consistentAt !== 0))
                        writer.uint32(/* id 8, wireType 0 =*/64).uint64(message.consistentAt);
                    if (message.changesKnown != null && $Object.hasOwnProperty.call(message, "changesKnown") && message.changesKnown !== false)
                        writer.uint32(/* id 9, wireType 0 =*/72).bool(message.changesKnown);
                    if (message.distrusted != null && $Object.hasOwnProperty.call(message, "distrusted") && message.distrusted !== false)
                        writer.uint32(/* id 10, wireType 0 =*/80).bool(message.distrusted);
                    if (message.checksum != null && $Object.hasOwnProperty.call(message, "checksum") && message.checksum !== 0)
                        writer.uint32(/* id 11, wireType 5 =*/93).fixed32(message.checksum);
                    if (message.copyingSince != null && $Object.hasOwnProperty.call(message, "copyingSince") && (typeof message.copyingSince === "object" ? message.copyingSince.low || message.copyingSince.high : message.copyingSince !== 0))
                        writer.uint32(/* id 12, wireType 0 =*/96).uint64(message.copyingSince);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a HelloAnswer message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.HelloAnswer & lockstep.replication.v1.HelloAnswer.$Shape} HelloAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                HelloAnswer.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.HelloAnswer();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.wireVersion = value;
                                else
                                    delete message.wireVersion;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.host = value;
                                else
                                    delete message.host;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.incarnation = value;
                                else
                                    delete message.incarnation;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.appliedSequence = value;
                                else
                                    delete message.appliedSequence;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.unstableKnown = value;
                                else
                                    delete message.unstableKnown;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.blank = value;
                                else
                                    delete message.blank;
                                continue;
                            }
                        case 8: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.consistentAt = value;
                                else
                                    delete message.consistentAt;
                                continue;
                            }
                        case 9: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.changesKnown = value;
                                else
                                    delete message.changesKnown;
                                continue;
                            }
                        case 10: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.distrusted = value;
                                else
                                    delete message.distrusted;
                                continue;
                            }
                        case 11: {
                                if (wireType !== 5)
                                    break;
                                if (value = reader.fixed32())
                                    message.checksum = value;
                                else
                                    delete message.checksum;
                                continue;
                            }
                        case 12: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.copyingSince = value;
                                else
                                    delete message.copyingSince;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for HelloAnswer
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.HelloAnswer
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                HelloAnswer.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.HelloAnswer";
                };

                return HelloAnswer;
            })();

            /**
             * WriteKind enum.
             * @name lockstep.replication.v1.WriteKind
             * @enum {number}
             * @property {number} WRITE_KIND_UNSPECIFIED=0 WRITE_KIND_UNSPECIFIED value
             * @property {number} WRITE_KIND_DATA=1 WRITE_KIND_DATA value
             * @property {number} WRITE_KIND_TRIM=2 WRITE_KIND_TRIM value
             * @property {number} WRITE_KIND_ZERO=3 WRITE_KIND_ZERO value
             */
            v1.WriteKind = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "WRITE_KIND_UNSPECIFIED"] = 0;
                values[valuesById[1] = "WRITE_KIND_DATA"] = 1;
                values[valuesById[2] = "WRITE_KIND_TRIM"] = 2;
                values[valuesById[3] = "WRITE_KIND_ZERO"] = 3;
                return values;
            })();

            v1.Write = (function() {

                /**
                 * Properties of a Write.
                 * @typedef {Object} lockstep.replication.v1.Write.$Properties
                 * @property {number|null} [generation] Write generation
                 * @property {number|null} [sequence] Write sequence
                 * @property {number|null} [offset] Write offset
                 * @property {number|null} [length] Write length
                 * @property {lockstep.replication.v1.WriteKind|null} [kind] Write kind
                 * @property {number|null} [checksum] Write checksum
                 * @property {number|null} [stableSequence] Write stableSequence
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Write.
                 * @memberof lockstep.replication.v1
                 * @interface IWrite
                 * @augments lockstep.replication.v1.Write.$Properties
                 * @deprecated Use lockstep.replication.v1.Write.$Properties instead.
                 */

                /**
                 * Shape of a Write.
                 * @typedef {lockstep.replication.v1.Write.$Properties} lockstep.replication.v1.Write.$Shape
                 */

                /**
                 * Constructs a new Write.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Write.
                 * @constructor
                 * @param {lockstep.replication.v1.Write.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Write = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Write generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Write
                 * @instance
                 */
                Write.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Write sequence.
                 * @member {number} sequence
                 * @memberof lockstep.replication.v1.Write
                 * @instance
                 */
                Write.prototype.sequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Write offset.
                 * @member {number} offset
                 * @memberof lockstep.replication.v1.Write
                 * @instance
                 */
                Write.prototype.offset = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Write length.
                 * @member {number} length
                 * @memberof lockstep.replication.v1.Write
                 * @instance
                 */
                Write.prototype.length = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Write kind.
                 * @member {lockstep.replication.v1.WriteKind} kind
                 * @memberof lockstep.replication.v1.Write
                 * @instance
                 */
                Write.prototype.kind = 0;

                /**
                 * Write checksum.
                 * @member {number} checksum
                 * @memberof lockstep.replication.v1.Write
                 * @instance
                 */
                Write.prototype.checksum = 0;

                /**
                 * Write stableSequence.
                 * @member {number} stableSequence
                 * @memberof lockstep.replication.v1.Write
                 * @instance
                 */
                Write.prototype.stableSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Write message. Does not implicitly {@link lockstep.replication.v1.Write.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Write
                 * @static
                 * @param {lockstep.replication.v1.Write.$Properties} message Write message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Write.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence") && (typeof message.sequence === "object" ? message.sequence.low || message.sequence.high : message.sequence !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.sequence);
                    if (message.offset != null && $Object.hasOwnProperty.call(message, "offset") && (typeof message.offset === "object" ? message.offset.low || message.offset.high : message.offset !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.offset);
                    if (message.length != null && $Object.hasOwnProperty.call(message, "length") && (typeof message.length === "object" ? message.length.low || message.length.high : message.length !== 0))
                        writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.length);
                    if (message.kind != null && $Object.hasOwnProperty.call(message, "kind") && message.kind !== 0)
                        writer.uint32(/* id 5, wireType 0 =*/40).int32(message.kind);
                    if (message.checksum != null && $Object.hasOwnProperty.call(message, "checksum") && message.checksum !== 0)
                        writer.uint32(/* id 6, wireType 5 =*/53).fixed32(message.checksum);
                    if (message.stableSequence != null && $Object.hasOwnProperty.call(message, "stableSequence") && (typeof message.stableSequence === "object" ? message.stableSequence.low || message.stableSequence.high : message.stableSequence !== 0))
                        writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.stableSequence);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Write message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Write
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Write & lockstep.replication.v1.Write.$Shape} Write
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Write.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Write();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.sequence = value;
                                else
                                    delete message.sequence;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.offset = value;
                                else
                                    delete message.offset;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.length = value;
                                else
                                    delete message.length;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.kind = value;
                                else
                                    delete message.kind;
                                continue;
                            }
                        case 6: {
                                if (wireType !== 5)
                                    break;
                                if (value = reader.fixed32())
                                    message.checksum = value;
                                else
                                    delete message.checksum;
                                continue;
                            }
                        case 7: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.stableSequence = value;
                                else
                                    delete message.stableSequence;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Write
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Write
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Write.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Write";
                };

                return Write;
            })();

            v1.WriteAnswer = (function() {

                /**
                 * Properties of a WriteAnswer.
                 * @typedef {Object} lockstep.replication.v1.WriteAnswer.$Properties
                 * @property {number|null} [appliedSequence] WriteAnswer appliedSequence
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a WriteAnswer.
                 * @memberof lockstep.replication.v1
                 * @interface IWriteAnswer
                 * @augments lockstep.replication.v1.WriteAnswer.$Properties
                 * @deprecated Use lockstep.replication.v1.WriteAnswer.$Properties instead.
                 */

                /**
                 * Shape of a WriteAnswer.
                 * @typedef {lockstep.replication.v1.WriteAnswer.$Properties} lockstep.replication.v1.WriteAnswer.$Shape
                 */

                /**
                 * Constructs a new WriteAnswer.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a WriteAnswer.
                 * @constructor
                 * @param {lockstep.replication.v1.WriteAnswer.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const WriteAnswer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * WriteAnswer appliedSequence.
                 * @member {number} appliedSequence
                 * @memberof lockstep.replication.v1.WriteAnswer
                 * @instance
                 */
                WriteAnswer.prototype.appliedSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified WriteAnswer message. Does not implicitly {@link lockstep.replication.v1.WriteAnswer.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.WriteAnswer
                 * @static
                 * @param {lockstep.replication.v1.WriteAnswer.$Properties} message WriteAnswer message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                WriteAnswer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.appliedSequence != null && $Object.hasOwnProperty.call(message, "appliedSequence") && (typeof message.appliedSequence === "object" ? message.appliedSequence.low || message.appliedSequence.high : message.appliedSequence !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.appliedSequence);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a WriteAnswer message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.WriteAnswer
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.WriteAnswer & lockstep.replication.v1.WriteAnswer.$Shape} WriteAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                WriteAnswer.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.WriteAnswer();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.appliedSequence = value;
                                else
                                    delete message.appliedSequence;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for WriteAnswer
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.WriteAnswer
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                WriteAnswer.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.WriteAnswer";
                };

                return WriteAnswer;
            })();

            v1.Flush = (function() {

                /**
                 * Properties of a Flush.
                 * @typedef {Object} lockstep.replication.v1.Flush.$Properties
                 * @property {number|null} [generation] Flush generation
                 * @property {number|null} [flushId] Flush flushId
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Flush.
                 * @memberof lockstep.replication.v1
                 * @interface IFlush
                 * @augments lockstep.replication.v1.Flush.$Properties
                 * @deprecated Use lockstep.replication.v1.Flush.$Properties instead.
                 */

                /**
                 * Shape of a Flush.
                 * @typedef {lockstep.replication.v1.Flush.$Properties} lockstep.replication.v1.Flush.$Shape
                 */

                /**
                 * Constructs a new Flush.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Flush.
                 * @constructor
                 * @param {lockstep.replication.v1.Flush.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Flush = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Flush generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Flush
                 * @instance
                 */
                Flush.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Flush flushId.
                 * @member {number} flushId
                 * @memberof lockstep.replication.v1.Flush
                 * @instance
                 */
                Flush.prototype.flushId = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Flush message. Does not implicitly {@link lockstep.replication.v1.Flush.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Flush
                 * @static
                 * @param {lockstep.replication.v1.Flush.$Properties} message Flush message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Flush.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.flushId != null && $Object.hasOwnProperty.call(message, "flushId") && (typeof message.flushId === "object" ? message.flushId.low || message.flushId.high : message.flushId !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.flushId);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Flush message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Flush
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Flush & lockstep.replication.v1.Flush.$Shape} Flush
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Flush.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Flush();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.flushId = value;
                                else
                                    delete message.flushId;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Flush
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Flush
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Flush.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Flush";
                };

                return Flush;
            })();

            v1.FlushAnswer = (function() {

                /**
                 * Properties of a FlushAnswer.
                 * @typedef {Object} lockstep.replication.v1.FlushAnswer.$Properties
                 * @property {number|null} [flushId] FlushAnswer flushId
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a FlushAnswer.
                 * @memberof lockstep.replication.v1
                 * @interface IFlushAnswer
                 * @augments lockstep.replication.v1.FlushAnswer.$Properties
                 * @deprecated Use lockstep.replication.v1.FlushAnswer.$Properties instead.
                 */

                /**
                 * Shape of a FlushAnswer.
                 * @typedef {lockstep.replication.v1.FlushAnswer.$Properties} lockstep.replication.v1.FlushAnswer.$Shape
                 */

                /**
                 * Constructs a new FlushAnswer.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a FlushAnswer.
                 * @constructor
                 * @param {lockstep.replication.v1.FlushAnswer.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const FlushAnswer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * FlushAnswer flushId.
                 * @member {number} flushId
                 * @memberof lockstep.replication.v1.FlushAnswer
                 * @instance
                 */
                FlushAnswer.prototype.flushId = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified FlushAnswer message. Does not implicitly {@link lockstep.replication.v1.FlushAnswer.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.FlushAnswer
                 * @static
                 * @param {lockstep.replication.v1.FlushAnswer.$Properties} message FlushAnswer message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                FlushAnswer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.flushId != null && $Object.hasOwnProperty.call(message, "flushId") && (typeof message.flushId === "object" ? message.flushId.low || message.flushId.high : message.flushId !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.flushId);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a FlushAnswer message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.FlushAnswer
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.FlushAnswer & lockstep.replication.v1.FlushAnswer.$Shape} FlushAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                FlushAnswer.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.FlushAnswer();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.flushId = value;
                                else
                                    delete message.flushId;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for FlushAnswer
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.FlushAnswer
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                FlushAnswer.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.FlushAnswer";
                };

                return FlushAnswer;
            })();

            v1.Heartbeat = (function() {

                /**
                 * Properties of a Heartbeat.
                 * @typedef {Object} lockstep.replication.v1.Heartbeat.$Properties
                 * @property {number|null} [generation] Heartbeat generation
                 * @property {number|null} [askedAtMs] Heartbeat askedAtMs
                 * @property {number|null} [stableSequence] Heartbeat stableSequence
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Heartbeat.
                 * @memberof lockstep.replication.v1
                 * @interface IHeartbeat
                 * @augments lockstep.replication.v1.Heartbeat.$Properties
                 * @deprecated Use lockstep.replication.v1.Heartbeat.$Properties instead.
                 */

                /**
                 * Shape of a Heartbeat.
                 * @typedef {lockstep.replication.v1.Heartbeat.$Properties} lockstep.replication.v1.Heartbeat.$Shape
                 */

                /**
                 * Constructs a new Heartbeat.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Heartbeat.
                 * @constructor
                 * @param {lockstep.replication.v1.Heartbeat.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Heartbeat = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Heartbeat generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Heartbeat
                 * @instance
                 */
                Heartbeat.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Heartbeat askedAtMs.
                 * @member {number} askedAtMs
                 * @memberof lockstep.replication.v1.Heartbeat
                 * @instance
                 */
                Heartbeat.prototype.askedAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Heartbeat stableSequence.
                 * @member {number} stableSequence
                 * @memberof lockstep.replication.v1.Heartbeat
                 * @instance
                 */
                Heartbeat.prototype.stableSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Heartbeat message. Does not implicitly {@link lockstep.replication.v1.Heartbeat.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Heartbeat
                 * @static
                 * @param {lockstep.replication.v1.Heartbeat.$Properties} message Heartbeat message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Heartbeat.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.askedAtMs != null && $Object.hasOwnProperty.call(message, "askedAtMs") && (typeof message.askedAtMs === "object" ? message.askedAtMs.low || message.askedAtMs.high : message.askedAtMs !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.askedAtMs);
                    if (message.stableSequence != null && $Object.hasOwnProperty.call(message, "stableSequence") && (typeof message.stableSequence === "object" ? message.stableSequence.low || message.stableSequence.high : message.stableSequence !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.stableSequence);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Heartbeat message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Heartbeat
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Heartbeat & lockstep.replication.v1.Heartbeat.$Shape} Heartbeat
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Heartbeat.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Heartbeat();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.askedAtMs = value;
                                else
                                    delete message.askedAtMs;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.stableSequence = value;
                                else
                                    delete message.stableSequence;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Heartbeat
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Heartbeat
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Heartbeat.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Heartbeat";
                };

                return Heartbeat;
            })();

            v1.HeartbeatAnswer = (function() {

                /**
                 * Properties of a HeartbeatAnswer.
                 * @typedef {Object} lockstep.replication.v1.HeartbeatAnswer.$Properties
                 * @property {number|null} [generation] HeartbeatAnswer generation
                 * @property {number|null} [askedAtMs] HeartbeatAnswer askedAtMs
                 * @property {number|null} [leaseMs] HeartbeatAnswer leaseMs
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a HeartbeatAnswer.
                 * @memberof lockstep.replication.v1
                 * @interface IHeartbeatAnswer
                 * @augments lockstep.replication.v1.HeartbeatAnswer.$Properties
                 * @deprecated Use lockstep.replication.v1.HeartbeatAnswer.$Properties instead.
                 */

                /**
                 * Shape of a HeartbeatAnswer.
                 * @typedef {lockstep.replication.v1.HeartbeatAnswer.$Properties} lockstep.replication.v1.HeartbeatAnswer.$Shape
                 */

                /**
                 * Constructs a new HeartbeatAnswer.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a HeartbeatAnswer.
                 * @constructor
                 * @param {lockstep.replication.v1.HeartbeatAnswer.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const HeartbeatAnswer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * HeartbeatAnswer generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.HeartbeatAnswer
                 * @instance
                 */
                HeartbeatAnswer.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * HeartbeatAnswer askedAtMs.
                 * @member {number} askedAtMs
                 * @memberof lockstep.replication.v1.HeartbeatAnswer
                 * @instance
                 */
                HeartbeatAnswer.prototype.askedAtMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * HeartbeatAnswer leaseMs.
                 * @member {number} leaseMs
                 * @memberof lockstep.replication.v1.HeartbeatAnswer
                 * @instance
                 */
                HeartbeatAnswer.prototype.leaseMs = 0;

                /**
                 * Encodes the specified HeartbeatAnswer message. Does not implicitly {@link lockstep.replication.v1.HeartbeatAnswer.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.HeartbeatAnswer
                 * @static
                 * @param {lockstep.replication.v1.HeartbeatAnswer.$Properties} message HeartbeatAnswer message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                HeartbeatAnswer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.askedAtMs != null && $Object.hasOwnProperty.call(message, "askedAtMs") && (typeof message.askedAtMs === "object" ? message.askedAtMs.low || message.askedAtMs.high : message.askedAtMs !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.askedAtMs);
                    if (message.leaseMs != null && $Object.hasOwnProperty.call(message, "leaseMs") && message.leaseMs !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.leaseMs);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a HeartbeatAnswer message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.HeartbeatAnswer
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.HeartbeatAnswer & lockstep.replication.v1.HeartbeatAnswer.$Shape} HeartbeatAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                HeartbeatAnswer.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.HeartbeatAnswer();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.askedAtMs = value;
                                else
                                    delete message.askedAtMs;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.uint32())
                                    message.leaseMs = value;
                                else
                                    delete message.leaseMs;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for HeartbeatAnswer
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.HeartbeatAnswer
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                HeartbeatAnswer.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.HeartbeatAnswer";
                };

                return HeartbeatAnswer;
            })();

            v1.Yield = (function() {

                /**
                 * Properties of a Yield.
                 * @typedef {Object} lockstep.replication.v1.Yield.$Properties
                 * @property {number|null} [generation] Yield generation
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Yield.
                 * @memberof lockstep.replication.v1
                 * @interface IYield
                 * @augments lockstep.replication.v1.Yield.$Properties
                 * @deprecated Use lockstep.replication.v1.Yield.$Properties instead.
                 */

                /**
                 * Shape of a Yield.
                 * @typedef {lockstep.replication.v1.Yield.$Properties} lockstep.replication.v1.Yield.$Shape
                 */

                /**
                 * Constructs a new Yield.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Yield.
                 * @constructor
                 * @param {lockstep.replication.v1.Yield.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Yield = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Yield generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Yield
                 * @instance
                 */
                Yield.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Yield message. Does not implicitly {@link lockstep.replication.v1.Yield.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Yield
                 * @static
                 * @param {lockstep.replication.v1.Yield.$Properties} message Yield message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Yield.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Yield message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Yield
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Yield & lockstep.replication.v1.Yield.$Shape} Yield
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Yield.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Yield();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Yield
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Yield
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Yield.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Yield";
                };

                return Yield;
            })();

            v1.Fetch = (function() {

                /**
                 * Properties of a Fetch.
                 * @typedef {Object} lockstep.replication.v1.Fetch.$Properties
                 * @property {number|null} [generation] Fetch generation
                 * @property {number|null} [region] Fetch region
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Fetch.
                 * @memberof lockstep.replication.v1
                 * @interface IFetch
                 * @augments lockstep.replication.v1.Fetch.$Properties
                 * @deprecated Use lockstep.replication.v1.Fetch.$Properties instead.
                 */

                /**
                 * Shape of a Fetch.
                 * @typedef {lockstep.replication.v1.Fetch.$Properties} lockstep.replication.v1.Fetch.$Shape
                 */

                /**
                 * Constructs a new Fetch.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Fetch.
                 * @constructor
                 * @param {lockstep.replication.v1.Fetch.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Fetch = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Fetch generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Fetch
                 * @instance
                 */
                Fetch.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Fetch region.
                 * @member {number} region
                 * @memberof lockstep.replication.v1.Fetch
                 * @instance
                 */
                Fetch.prototype.region = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Fetch message. Does not implicitly {@link lockstep.replication.v1.Fetch.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Fetch
                 * @static
                 * @param {lockstep.replication.v1.Fetch.$Properties} message Fetch message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Fetch.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.region != null && $Object.hasOwnProperty.call(message, "region") && (typeof message.region === "object" ? message.region.low || message.region.high : message.region !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.region);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Fetch message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Fetch
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Fetch & lockstep.replication.v1.Fetch.$Shape} Fetch
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Fetch.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Fetch();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.region = value;
                                else
                                    delete message.region;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Fetch
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Fetch
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Fetch.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Fetch";
                };

                return Fetch;
            })();

            v1.Fetched = (function() {

                /**
                 * Properties of a Fetched.
                 * @typedef {Object} lockstep.replication.v1.Fetched.$Properties
                 * @property {number|null} [region] Fetched region
                 * @property {number|null} [checksum] Fetched checksum
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Fetched.
                 * @memberof lockstep.replication.v1
                 * @interface IFetched
                 * @augments lockstep.replication.v1.Fetched.$Properties
                 * @deprecated Use lockstep.replication.v1.Fetched.$Properties instead.
                 */

                /**
                 * Shape of a Fetched.
                 * @typedef {lockstep.replication.v1.Fetched.$Properties} lockstep.replication.v1.Fetched.$Shape
                 */

                /**
                 * Constructs a new Fetched.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Fetched.
                 * @constructor
                 * @param {lockstep.replication.v1.Fetched.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Fetched = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Fetched region.
                 * @member {number} region
                 * @memberof lockstep.replication.v1.Fetched
                 * @instance
                 */
                Fetched.prototype.region = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Fetched checksum.
                 * @member {number} checksum
                 * @memberof lockstep.replication.v1.Fetched
                 * @instance
                 */
                Fetched.prototype.checksum = 0;

                /**
                 * Encodes the specified Fetched message. Does not implicitly {@link lockstep.replication.v1.Fetched.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Fetched
                 * @static
                 * @param {lockstep.replication.v1.Fetched.$Properties} message Fetched message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Fetched.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.region != null && $Object.hasOwnProperty.call(message, "region") && (typeof message.region === "object" ? message.region.low || message.region.high : message.region !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.region);
                    if (message.checksum != null && $Object.hasOwnProperty.call(message, "checksum") && message.checksum !== 0)
                        writer.uint32(/* id 2, wireType 5 =*/21).fixed32(message.checksum);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Fetched message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Fetched
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Fetched & lockstep.replication.v1.Fetched.$Shape} Fetched
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Fetched.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Fetched();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.region = value;
                                else
                                    delete message.region;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 5)
                                    break;
                                if (value = reader.fixed32())
                                    message.checksum = value;
                                else
                                    delete message.checksum;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Fetched
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Fetched
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Fetched.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Fetched";
                };

                return Fetched;
            })();

            v1.Pull = (function() {

                /**
                 * Properties of a Pull.
                 * @typedef {Object} lockstep.replication.v1.Pull.$Properties
                 * @property {number|null} [generation] Pull generation
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Pull.
                 * @memberof lockstep.replication.v1
                 * @interface IPull
                 * @augments lockstep.replication.v1.Pull.$Properties
                 * @deprecated Use lockstep.replication.v1.Pull.$Properties instead.
                 */

                /**
                 * Shape of a Pull.
                 * @typedef {lockstep.replication.v1.Pull.$Properties} lockstep.replication.v1.Pull.$Shape
                 */

                /**
                 * Constructs a new Pull.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Pull.
                 * @constructor
                 * @param {lockstep.replication.v1.Pull.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Pull = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Pull generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Pull
                 * @instance
                 */
                Pull.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Pull message. Does not implicitly {@link lockstep.replication.v1.Pull.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Pull
                 * @static
                 * @param {lockstep.replication.v1.Pull.$Properties} message Pull message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Pull.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Pull message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Pull
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Pull & lockstep.replication.v1.Pull.$Shape} Pull
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Pull.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Pull();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Pull
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Pull
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Pull.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Pull";
                };

                return Pull;
            })();

            v1.PullRegion = (function() {

                /**
                 * Properties of a PullRegion.
                 * @typedef {Object} lockstep.replication.v1.PullRegion.$Properties
                 * @property {number|null} [region] PullRegion region
                 * @property {number|null} [checksum] PullRegion checksum
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a PullRegion.
                 * @memberof lockstep.replication.v1
                 * @interface IPullRegion
                 * @augments lockstep.replication.v1.PullRegion.$Properties
                 * @deprecated Use lockstep.replication.v1.PullRegion.$Properties instead.
                 */

                /**
                 * Shape of a PullRegion.
                 * @typedef {lockstep.replication.v1.PullRegion.$Properties} lockstep.replication.v1.PullRegion.$Shape
                 */

                /**
                 * Constructs a new PullRegion.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a PullRegion.
                 * @constructor
                 * @param {lockstep.replication.v1.PullRegion.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const PullRegion = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * PullRegion region.
                 * @member {number} region
                 * @memberof lockstep.replication.v1.PullRegion
                 * @instance
                 */
                PullRegion.prototype.region = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * PullRegion checksum.
                 * @member {number} checksum
                 * @memberof lockstep.replication.v1.PullRegion
                 * @instance
                 */
                PullRegion.prototype.checksum = 0;

                /**
                 * Encodes the specified PullRegion message. Does not implicitly {@link lockstep.replication.v1.PullRegion.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.PullRegion
                 * @static
                 * @param {lockstep.replication.v1.PullRegion.$Properties} message PullRegion message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                PullRegion.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.region != null && $Object.hasOwnProperty.call(message, "region") && (typeof message.region === "object" ? message.region.low || message.region.high : message.region !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.region);
                    if (message.checksum != null && $Object.hasOwnProperty.call(message, "checksum") && message.checksum !== 0)
                        writer.uint32(/* id 2, wireType 5 =*/21).fixed32(message.checksum);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a PullRegion message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.PullRegion
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.PullRegion & lockstep.replication.v1.PullRegion.$Shape} PullRegion
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                PullRegion.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.PullRegion();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.region = value;
                                else
                                    delete message.region;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 5)
                                    break;
                                if (value = reader.fixed32())
                                    message.checksum = value;
                                else
                                    delete message.checksum;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for PullRegion
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.PullRegion
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                PullRegion.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.PullRegion";
                };

                return PullRegion;
            })();

            v1.PullDone = (function() {

                /**
                 * Properties of a PullDone.
                 * @typedef {Object} lockstep.replication.v1.PullDone.$Properties
                 * @property {number|null} [appliedSequence] PullDone appliedSequence
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a PullDone.
                 * @memberof lockstep.replication.v1
                 * @interface IPullDone
                 * @augments lockstep.replication.v1.PullDone.$Properties
                 * @deprecated Use lockstep.replication.v1.PullDone.$Properties instead.
                 */

                /**
                 * Shape of a PullDone.
                 * @typedef {lockstep.replication.v1.PullDone.$Properties} lockstep.replication.v1.PullDone.$Shape
                 */

                /**
                 * Constructs a new PullDone.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a PullDone.
                 * @constructor
                 * @param {lockstep.replication.v1.PullDone.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const PullDone = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * PullDone appliedSequence.
                 * @member {number} appliedSequence
                 * @memberof lockstep.replication.v1.PullDone
                 * @instance
                 */
                PullDone.prototype.appliedSequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified PullDone message. Does not implicitly {@link lockstep.replication.v1.PullDone.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.PullDone
                 * @static
                 * @param {lockstep.replication.v1.PullDone.$Properties} message PullDone message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                PullDone.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.appliedSequence != null && $Object.hasOwnProperty.call(message, "appliedSequence") && (typeof message.appliedSequence === "object" ? message.appliedSequence.low || message.appliedSequence.high : message.appliedSequence !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.appliedSequence);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a PullDone message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.PullDone
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.PullDone & lockstep.replication.v1.PullDone.$Shape} PullDone
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                PullDone.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.PullDone();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.appliedSequence = value;
                                else
                                    delete message.appliedSequence;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for PullDone
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.PullDone
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                PullDone.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.PullDone";
                };

                return PullDone;
            })();

            v1.CopyBegin = (function() {

                /**
                 * Properties of a CopyBegin.
                 * @typedef {Object} lockstep.replication.v1.CopyBegin.$Properties
                 * @property {number|null} [generation] CopyBegin generation
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a CopyBegin.
                 * @memberof lockstep.replication.v1
                 * @interface ICopyBegin
                 * @augments lockstep.replication.v1.CopyBegin.$Properties
                 * @deprecated Use lockstep.replication.v1.CopyBegin.$Properties instead.
                 */

                /**
                 * Shape of a CopyBegin.
                 * @typedef {lockstep.replication.v1.CopyBegin.$Properties} lockstep.replication.v1.CopyBegin.$Shape
                 */

                /**
                 * Constructs a new CopyBegin.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a CopyBegin.
                 * @constructor
                 * @param {lockstep.replication.v1.CopyBegin.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const CopyBegin = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * CopyBegin generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.CopyBegin
                 * @instance
                 */
                CopyBegin.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified CopyBegin message. Does not implicitly {@link lockstep.replication.v1.CopyBegin.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.CopyBegin
                 * @static
                 * @param {lockstep.replication.v1.CopyBegin.$Properties} message CopyBegin message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                CopyBegin.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a CopyBegin message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.CopyBegin
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.CopyBegin & lockstep.replication.v1.CopyBegin.$Shape} CopyBegin
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                CopyBegin.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.CopyBegin();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for CopyBegin
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.CopyBegin
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                CopyBegin.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.CopyBegin";
                };

                return CopyBegin;
            })();

            v1.Copy = (function() {

                /**
                 * Properties of a Copy.
                 * @typedef {Object} lockstep.replication.v1.Copy.$Properties
                 * @property {number|null} [generation] Copy generation
                 * @property {number|null} [region] Copy region
                 * @property {lockstep.replication.v1.CopyKind|null} [kind] Copy kind
                 * @property {Uint8Array|null} [digest] Copy digest
                 * @property {number|null} [checksum] Copy checksum
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Copy.
                 * @memberof lockstep.replication.v1
                 * @interface ICopy
                 * @augments lockstep.replication.v1.Copy.$Properties
                 * @deprecated Use lockstep.replication.v1.Copy.$Properties instead.
                 */

                /**
                 * Shape of a Copy.
                 * @typedef {lockstep.replication.v1.Copy.$Properties} lockstep.replication.v1.Copy.$Shape
                 */

                /**
                 * Constructs a new Copy.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Copy.
                 * @constructor
                 * @param {lockstep.replication.v1.Copy.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Copy = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Copy generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Copy
                 * @instance
                 */
                Copy.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Copy region.
                 * @member {number} region
                 * @memberof lockstep.replication.v1.Copy
                 * @instance
                 */
                Copy.prototype.region = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Copy kind.
                 * @member {lockstep.replication.v1.CopyKind} kind
                 * @memberof lockstep.replication.v1.Copy
                 * @instance
                 */
                Copy.prototype.kind = 0;

                /**
                 * Copy digest.
                 * @member {Uint8Array} digest
                 * @memberof lockstep.replication.v1.Copy
                 * @instance
                 */
                Copy.prototype.digest = $util.newBuffer([]);

                /**
                 * Copy checksum.
                 * @member {number} checksum
                 * @memberof lockstep.replication.v1.Copy
                 * @instance
                 */
                Copy.prototype.checksum = 0;

                /**
                 * Encodes the specified Copy message. Does not implicitly {@link lockstep.replication.v1.Copy.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Copy
                 * @static
                 * @param {lockstep.replication.v1.Copy.$Properties} message Copy message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Copy.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.region != null && $Object.hasOwnProperty.call(message, "region") && (typeof message.region === "object" ? message.region.low || message.region.high : message.region !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.region);
                    if (message.kind != null && $Object.hasOwnProperty.call(message, "kind") && message.kind !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).int32(message.kind);
                    if (message.digest != null && $Object.hasOwnProperty.call(message, "digest") && message.digest.length)
                        writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.digest);
                    if (message.checksum != null && $Object.hasOwnProperty.call(message, "checksum") && message.checksum !== 0)
                        writer.uint32(/* id 5, wireType 5 =*/45).fixed32(message.checksum);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Copy message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Copy
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Copy & lockstep.replication.v1.Copy.$Shape} Copy
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Copy.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Copy();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.region = value;
                                else
                                    delete message.region;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.kind = value;
                                else
                                    delete message.kind;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.digest = value;
                                else
                                    delete message.digest;
                                continue;
                            }
                        case 5: {
                                if (wireType !== 5)
                                    break;
                                if (value = reader.fixed32())
                                    message.checksum = value;
                                else
                                    delete message.checksum;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Copy
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Copy
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Copy.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Copy";
                };

                return Copy;
            })();

            /**
             * CopyKind enum.
             * @name lockstep.replication.v1.CopyKind
             * @enum {number}
             * @property {number} COPY_KIND_UNSPECIFIED=0 COPY_KIND_UNSPECIFIED value
             * @property {number} COPY_KIND_OFFER=1 COPY_KIND_OFFER value
             * @property {number} COPY_KIND_DATA=2 COPY_KIND_DATA value
             * @property {number} COPY_KIND_ZERO=3 COPY_KIND_ZERO value
             */
            v1.CopyKind = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "COPY_KIND_UNSPECIFIED"] = 0;
                values[valuesById[1] = "COPY_KIND_OFFER"] = 1;
                values[valuesById[2] = "COPY_KIND_DATA"] = 2;
                values[valuesById[3] = "COPY_KIND_ZERO"] = 3;
                return values;
            })();

            v1.CopyAnswer = (function() {

                /**
                 * Properties of a CopyAnswer.
                 * @typedef {Object} lockstep.replication.v1.CopyAnswer.$Properties
                 * @property {number|null} [region] CopyAnswer region
                 * @property {boolean|null} [needed] CopyAnswer needed
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a CopyAnswer.
                 * @memberof lockstep.replication.v1
                 * @interface ICopyAnswer
                 * @augments lockstep.replication.v1.CopyAnswer.$Properties
                 * @deprecated Use lockstep.replication.v1.CopyAnswer.$Properties instead.
                 */

                /**
                 * Shape of a CopyAnswer.
                 * @typedef {lockstep.replication.v1.CopyAnswer.$Properties} lockstep.replication.v1.CopyAnswer.$Shape
                 */

                /**
                 * Constructs a new CopyAnswer.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a CopyAnswer.
                 * @constructor
                 * @param {lockstep.replication.v1.CopyAnswer.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const CopyAnswer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * CopyAnswer region.
                 * @member {number} region
                 * @memberof lockstep.replication.v1.CopyAnswer
                 * @instance
                 */
                CopyAnswer.prototype.region = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * CopyAnswer needed.
                 * @member {boolean} needed
                 * @memberof lockstep.replication.v1.CopyAnswer
                 * @instance
                 */
                CopyAnswer.prototype.needed = false;

                /**
                 * Encodes the specified CopyAnswer message. Does not implicitly {@link lockstep.replication.v1.CopyAnswer.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.CopyAnswer
                 * @static
                 * @param {lockstep.replication.v1.CopyAnswer.$Properties} message CopyAnswer message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                CopyAnswer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.region != null && $Object.hasOwnProperty.call(message, "region") && (typeof message.region === "object" ? message.region.low || message.region.high : message.region !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.region);
                    if (message.needed != null && $Object.hasOwnProperty.call(message, "needed") && message.needed !== false)
                        writer.uint32(/* id 2, wireType 0 =*/16).bool(message.needed);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a CopyAnswer message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.CopyAnswer
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.CopyAnswer & lockstep.replication.v1.CopyAnswer.$Shape} CopyAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                CopyAnswer.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.CopyAnswer();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.region = value;
                                else
                                    delete message.region;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.needed = value;
                                else
                                    delete message.needed;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for CopyAnswer
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.CopyAnswer
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                CopyAnswer.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.CopyAnswer";
                };

                return CopyAnswer;
            })();

            v1.Verify = (function() {

                /**
                 * Properties of a Verify.
                 * @typedef {Object} lockstep.replication.v1.Verify.$Properties
                 * @property {number|null} [generation] Verify generation
                 * @property {number|null} [id] Verify id
                 * @property {number|null} [region] Verify region
                 * @property {Uint8Array|null} [digest] Verify digest
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Verify.
                 * @memberof lockstep.replication.v1
                 * @interface IVerify
                 * @augments lockstep.replication.v1.Verify.$Properties
                 * @deprecated Use lockstep.replication.v1.Verify.$Properties instead.
                 */

                /**
                 * Shape of a Verify.
                 * @typedef {lockstep.replication.v1.Verify.$Properties} lockstep.replication.v1.Verify.$Shape
                 */

                /**
                 * Constructs a new Verify.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Verify.
                 * @constructor
                 * @param {lockstep.replication.v1.Verify.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Verify = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Verify generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Verify
                 * @instance
                 */
                Verify.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Verify id.
                 * @member {number} id
                 * @memberof lockstep.replication.v1.Verify
                 * @instance
                 */
                Verify.prototype.id = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Verify region.
                 * @member {number} region
                 * @memberof lockstep.replication.v1.Verify
                 * @instance
                 */
                Verify.prototype.region = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Verify digest.
                 * @member {Uint8Array} digest
                 * @memberof lockstep.replication.v1.Verify
                 * @instance
                 */
                Verify.prototype.digest = $util.newBuffer([]);

                /**
                 * Encodes the specified Verify message. Does not implicitly {@link lockstep.replication.v1.Verify.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Verify
                 * @static
                 * @param {lockstep.replication.v1.Verify.$Properties} message Verify message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Verify.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && (typeof message.id === "object" ? message.id.low || message.id.high : message.id !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.id);
                    if (message.region != null && $Object.hasOwnProperty.call(message, "region") && (typeof message.region === "object" ? message.region.low || message.region.high : message.region !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.region);
                    if (message.digest != null && $Object.hasOwnProperty.call(message, "digest") && message.digest.length)
                        writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.digest);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Verify message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Verify
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Verify & lockstep.replication.v1.Verify.$Shape} Verify
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Verify.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Verify();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.region = value;
                                else
                                    delete message.region;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.bytes()).length)
                                    message.digest = value;
                                else
                                    delete message.digest;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Verify
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Verify
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Verify.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Verify";
                };

                return Verify;
            })();

            v1.Verified = (function() {

                /**
                 * Properties of a Verified.
                 * @typedef {Object} lockstep.replication.v1.Verified.$Properties
                 * @property {number|null} [id] Verified id
                 * @property {boolean|null} [equal] Verified equal
                 * @property {lockstep.replication.v1.Soundness|null} [soundness] Verified soundness
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Verified.
                 * @memberof lockstep.replication.v1
                 * @interface IVerified
                 * @augments lockstep.replication.v1.Verified.$Properties
                 * @deprecated Use lockstep.replication.v1.Verified.$Properties instead.
                 */

                /**
                 * Shape of a Verified.
                 * @typedef {lockstep.replication.v1.Verified.$Properties} lockstep.replication.v1.Verified.$Shape
                 */

                /**
                 * Constructs a new Verified.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Verified.
                 * @constructor
                 * @param {lockstep.replication.v1.Verified.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Verified = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Verified id.
                 * @member {number} id
                 * @memberof lockstep.replication.v1.Verified
                 * @instance
                 */
                Verified.prototype.id = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Verified equal.
                 * @member {boolean} equal
                 * @memberof lockstep.replication.v1.Verified
                 * @instance
                 */
                Verified.prototype.equal = false;

                /**
                 * Verified soundness.
                 * @member {lockstep.replication.v1.Soundness} soundness
                 * @memberof lockstep.replication.v1.Verified
                 * @instance
                 */
                Verified.prototype.soundness = 0;

                /**
                 * Encodes the specified Verified message. Does not implicitly {@link lockstep.replication.v1.Verified.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Verified
                 * @static
                 * @param {lockstep.replication.v1.Verified.$Properties} message Verified message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Verified.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && (typeof message.id === "object" ? message.id.low || message.id.high : message.id !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.id);
                    if (message.equal != null && $Object.hasOwnProperty.call(message, "equal") && message.equal !== false)
                        writer.uint32(/* id 2, wireType 0 =*/16).bool(message.equal);
                    if (message.soundness != null && $Object.hasOwnProperty.call(message, "soundness") && message.soundness !== 0)
                        writer.uint32(/* id 3, wireType 0 =*/24).int32(message.soundness);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Verified message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Verified
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Verified & lockstep.replication.v1.Verified.$Shape} Verified
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Verified.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Verified();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.bool())
                                    message.equal = value;
                                else
                                    delete message.equal;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.soundness = value;
                                else
                                    delete message.soundness;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Verified
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Verified
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Verified.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Verified";
                };

                return Verified;
            })();

            /**
             * Soundness enum.
             * @name lockstep.replication.v1.Soundness
             * @enum {number}
             * @property {number} SOUNDNESS_UNSPECIFIED=0 SOUNDNESS_UNSPECIFIED value
             * @property {number} SOUNDNESS_INTACT=1 SOUNDNESS_INTACT value
             * @property {number} SOUNDNESS_DAMAGED=2 SOUNDNESS_DAMAGED value
             * @property {number} SOUNDNESS_UNKNOWN=3 SOUNDNESS_UNKNOWN value
             */
            v1.Soundness = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "SOUNDNESS_UNSPECIFIED"] = 0;
                values[valuesById[1] = "SOUNDNESS_INTACT"] = 1;
                values[valuesById[2] = "SOUNDNESS_DAMAGED"] = 2;
                values[valuesById[3] = "SOUNDNESS_UNKNOWN"] = 3;
                return values;
            })();

            v1.VerifyHoles = (function() {

                /**
                 * Properties of a VerifyHoles.
                 * @typedef {Object} lockstep.replication.v1.VerifyHoles.$Properties
                 * @property {number|null} [generation] VerifyHoles generation
                 * @property {number|null} [id] VerifyHoles id
                 * @property {number|null} [region] VerifyHoles region
                 * @property {number|null} [count] VerifyHoles count
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a VerifyHoles.
                 * @memberof lockstep.replication.v1
                 * @interface IVerifyHoles
                 * @augments lockstep.replication.v1.VerifyHoles.$Properties
                 * @deprecated Use lockstep.replication.v1.VerifyHoles.$Properties instead.
                 */

                /**
                 * Shape of a VerifyHoles.
                 * @typedef {lockstep.replication.v1.VerifyHoles.$Properties} lockstep.replication.v1.VerifyHoles.$Shape
                 */

                /**
                 * Constructs a new VerifyHoles.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a VerifyHoles.
                 * @constructor
                 * @param {lockstep.replication.v1.VerifyHoles.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const VerifyHoles = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * VerifyHoles generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.VerifyHoles
                 * @instance
                 */
                VerifyHoles.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * VerifyHoles id.
                 * @member {number} id
                 * @memberof lockstep.replication.v1.VerifyHoles
                 * @instance
                 */
                VerifyHoles.prototype.id = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * VerifyHoles region.
                 * @member {number} region
                 * @memberof lockstep.replication.v1.VerifyHoles
                 * @instance
                 */
                VerifyHoles.prototype.region = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * VerifyHoles count.
                 * @member {number} count
                 * @memberof lockstep.replication.v1.VerifyHoles
                 * @instance
                 */
                VerifyHoles.prototype.count = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified VerifyHoles message. Does not implicitly {@link lockstep.replication.v1.VerifyHoles.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.VerifyHoles
                 * @static
                 * @param {lockstep.replication.v1.VerifyHoles.$Properties} message VerifyHoles message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                VerifyHoles.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && (typeof message.id === "object" ? message.id.low || message.id.high : message.id !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.id);
                    if (message.region != null && $Object.hasOwnProperty.call(message, "region") && (typeof message.region === "object" ? message.region.low || message.region.high : message.region !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.region);
                    if (message.count != null && $Object.hasOwnProperty.call(message, "count") && (typeof message.count === "object" ? message.count.low || message.count.high : message.count !== 0))
                        writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.count);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a VerifyHoles message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.VerifyHoles
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.VerifyHoles & lockstep.replication.v1.VerifyHoles.$Shape} VerifyHoles
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                VerifyHoles.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.VerifyHoles();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.region = value;
                                else
                                    delete message.region;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.count = value;
                                else
                                    delete message.count;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for VerifyHoles
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.VerifyHoles
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                VerifyHoles.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.VerifyHoles";
                };

                return VerifyHoles;
            })();

            v1.VerifiedHoles = (function() {

                /**
                 * Properties of a VerifiedHoles.
                 * @typedef {Object} lockstep.replication.v1.VerifiedHoles.$Properties
                 * @property {number|null} [id] VerifiedHoles id
                 * @property {number|null} [count] VerifiedHoles count
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a VerifiedHoles.
                 * @memberof lockstep.replication.v1
                 * @interface IVerifiedHoles
                 * @augments lockstep.replication.v1.VerifiedHoles.$Properties
                 * @deprecated Use lockstep.replication.v1.VerifiedHoles.$Properties instead.
                 */

                /**
                 * Shape of a VerifiedHoles.
                 * @typedef {lockstep.replication.v1.VerifiedHoles.$Properties} lockstep.replication.v1.VerifiedHoles.$Shape
                 */

                /**
                 * Constructs a new VerifiedHoles.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a VerifiedHoles.
                 * @constructor
                 * @param {lockstep.replication.v1.VerifiedHoles.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const VerifiedHoles = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * VerifiedHoles id.
                 * @member {number} id
                 * @memberof lockstep.replication.v1.VerifiedHoles
                 * @instance
                 */
                VerifiedHoles.prototype.id = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * VerifiedHoles count.
                 * @member {number} count
                 * @memberof lockstep.replication.v1.VerifiedHoles
                 * @instance
                 */
                VerifiedHoles.prototype.count = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified VerifiedHoles message. Does not implicitly {@link lockstep.replication.v1.VerifiedHoles.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.VerifiedHoles
                 * @static
                 * @param {lockstep.replication.v1.VerifiedHoles.$Properties} message VerifiedHoles message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                VerifiedHoles.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.id != null && $Object.hasOwnProperty.call(message, "id") && (typeof message.id === "object" ? message.id.low || message.id.high : message.id !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.id);
                    if (message.count != null && $Object.hasOwnProperty.call(message, "count") && (typeof message.count === "object" ? message.count.low || message.count.high : message.count !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.count);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a VerifiedHoles message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.VerifiedHoles
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.VerifiedHoles & lockstep.replication.v1.VerifiedHoles.$Shape} VerifiedHoles
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                VerifiedHoles.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.VerifiedHoles();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.id = value;
                                else
                                    delete message.id;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.count = value;
                                else
                                    delete message.count;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for VerifiedHoles
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.VerifiedHoles
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                VerifiedHoles.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.VerifiedHoles";
                };

                return VerifiedHoles;
            })();

            v1.Scrubbed = (function() {

                /**
                 * Properties of a Scrubbed.
                 * @typedef {Object} lockstep.replication.v1.Scrubbed.$Properties
                 * @property {number|null} [generation] Scrubbed generation
                 * @property {number|null} [cursor] Scrubbed cursor
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Scrubbed.
                 * @memberof lockstep.replication.v1
                 * @interface IScrubbed
                 * @augments lockstep.replication.v1.Scrubbed.$Properties
                 * @deprecated Use lockstep.replication.v1.Scrubbed.$Properties instead.
                 */

                /**
                 * Shape of a Scrubbed.
                 * @typedef {lockstep.replication.v1.Scrubbed.$Properties} lockstep.replication.v1.Scrubbed.$Shape
                 */

                /**
                 * Constructs a new Scrubbed.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Scrubbed.
                 * @constructor
                 * @param {lockstep.replication.v1.Scrubbed.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Scrubbed = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Scrubbed generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Scrubbed
                 * @instance
                 */
                Scrubbed.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Scrubbed cursor.
                 * @member {number} cursor
                 * @memberof lockstep.replication.v1.Scrubbed
                 * @instance
                 */
                Scrubbed.prototype.cursor = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Scrubbed message. Does not implicitly {@link lockstep.replication.v1.Scrubbed.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Scrubbed
                 * @static
                 * @param {lockstep.replication.v1.Scrubbed.$Properties} message Scrubbed message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Scrubbed.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.cursor != null && $Object.hasOwnProperty.call(message, "cursor") && (typeof message.cursor === "object" ? message.cursor.low || message.cursor.high : message.cursor !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.cursor);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Scrubbed message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Scrubbed
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Scrubbed & lockstep.replication.v1.Scrubbed.$Shape} Scrubbed
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Scrubbed.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Scrubbed();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.cursor = value;
                                else
                                    delete message.cursor;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Scrubbed
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Scrubbed
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Scrubbed.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Scrubbed";
                };

                return Scrubbed;
            })();

            v1.View = (function() {

                /**
                 * Properties of a View.
                 * @typedef {Object} lockstep.replication.v1.View.$Properties
                 * @property {number|null} [generation] View generation
                 * @property {string|null} [primary] View primary
                 * @property {Array.<string>|null} [inSync] View inSync
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a View.
                 * @memberof lockstep.replication.v1
                 * @interface IView
                 * @augments lockstep.replication.v1.View.$Properties
                 * @deprecated Use lockstep.replication.v1.View.$Properties instead.
                 */

                /**
                 * Shape of a View.
                 * @typedef {lockstep.replication.v1.View.$Properties} lockstep.replication.v1.View.$Shape
                 */

                /**
                 * Constructs a new View.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a View.
                 * @constructor
                 * @param {lockstep.replication.v1.View.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const View = function (properties) {
                    this.inSync = [];
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * View generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.View
                 * @instance
                 */
                View.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * View primary.
                 * @member {string} primary
                 * @memberof lockstep.replication.v1.View
                 * @instance
                 */
                View.prototype.primary = "";

                /**
                 * View inSync.
                 * @member {Array.<string>} inSync
                 * @memberof lockstep.replication.v1.View
                 * @instance
                 */
                View.prototype.inSync = $util.emptyArray;

                /**
                 * Encodes the specified View message. Does not implicitly {@link lockstep.replication.v1.View.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.View
                 * @static
                 * @param {lockstep.replication.v1.View.$Properties} message View message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                View.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.primary != null && $Object.hasOwnProperty.call(message, "primary") && message.primary !== "")
                        writer.uint32(/* id 2, wireType 2 =*/18).string(message.primary);
                    if (message.inSync != null && message.inSync.length)
                        for (let i = 0; i < message.inSync.length; ++i)
                            writer.uint32(/* id 3, wireType 2 =*/26).string(message.inSync[i]);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a View message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.View
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.View & lockstep.replication.v1.View.$Shape} View
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                View.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.View();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.primary = value;
                                else
                                    delete message.primary;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if (!(message.inSync && message.inSync.length))
                                    message.inSync = [];
                                message.inSync.push(reader.stringVerify());
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for View
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.View
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                View.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.View";
                };

                return View;
            })();

            v1.ViewAnswer = (function() {

                /**
                 * Properties of a ViewAnswer.
                 * @typedef {Object} lockstep.replication.v1.ViewAnswer.$Properties
                 * @property {number|null} [generation] ViewAnswer generation
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a ViewAnswer.
                 * @memberof lockstep.replication.v1
                 * @interface IViewAnswer
                 * @augments lockstep.replication.v1.ViewAnswer.$Properties
                 * @deprecated Use lockstep.replication.v1.ViewAnswer.$Properties instead.
                 */

                /**
                 * Shape of a ViewAnswer.
                 * @typedef {lockstep.replication.v1.ViewAnswer.$Properties} lockstep.replication.v1.ViewAnswer.$Shape
                 */

                /**
                 * Constructs a new ViewAnswer.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a ViewAnswer.
                 * @constructor
                 * @param {lockstep.replication.v1.ViewAnswer.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const ViewAnswer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * ViewAnswer generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.ViewAnswer
                 * @instance
                 */
                ViewAnswer.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified ViewAnswer message. Does not implicitly {@link lockstep.replication.v1.ViewAnswer.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.ViewAnswer
                 * @static
                 * @param {lockstep.replication.v1.ViewAnswer.$Properties} message ViewAnswer message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                ViewAnswer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a ViewAnswer message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.ViewAnswer
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.ViewAnswer & lockstep.replication.v1.ViewAnswer.$Shape} ViewAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                ViewAnswer.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.ViewAnswer();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for ViewAnswer
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.ViewAnswer
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                ViewAnswer.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.ViewAnswer";
                };

                return ViewAnswer;
            })();

            v1.Candidate = (function() {

                /**
                 * Properties of a Candidate.
                 * @typedef {Object} lockstep.replication.v1.Candidate.$Properties
                 * @property {number|null} [generation] Candidate generation
                 * @property {number|null} [proposedGeneration] Candidate proposedGeneration
                 * @property {number|null} [sequence] Candidate sequence
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Candidate.
                 * @memberof lockstep.replication.v1
                 * @interface ICandidate
                 * @augments lockstep.replication.v1.Candidate.$Properties
                 * @deprecated Use lockstep.replication.v1.Candidate.$Properties instead.
                 */

                /**
                 * Shape of a Candidate.
                 * @typedef {lockstep.replication.v1.Candidate.$Properties} lockstep.replication.v1.Candidate.$Shape
                 */

                /**
                 * Constructs a new Candidate.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Candidate.
                 * @constructor
                 * @param {lockstep.replication.v1.Candidate.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Candidate = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Candidate generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Candidate
                 * @instance
                 */
                Candidate.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Candidate proposedGeneration.
                 * @member {number} proposedGeneration
                 * @memberof lockstep.replication.v1.Candidate
                 * @instance
                 */
                Candidate.prototype.proposedGeneration = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Candidate sequence.
                 * @member {number} sequence
                 * @memberof lockstep.replication.v1.Candidate
                 * @instance
                 */
                Candidate.prototype.sequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified Candidate message. Does not implicitly {@link lockstep.replication.v1.Candidate.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Candidate
                 * @static
                 * @param {lockstep.replication.v1.Candidate.$Properties} message Candidate message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Candidate.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.proposedGeneration != null && $Object.hasOwnProperty.call(message, "proposedGeneration") && (typeof message.proposedGeneration === "object" ? message.proposedGeneration.low || message.proposedGeneration.high : message.proposedGeneration !== 0))
                        writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.proposedGeneration);
                    if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence") && (typeof message.sequence === "object" ? message.sequence.low || message.sequence.high : message.sequence !== 0))
                        writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.sequence);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Candidate message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Candidate
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Candidate & lockstep.replication.v1.Candidate.$Shape} Candidate
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Candidate.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Candidate();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.proposedGeneration = value;
                                else
                                    delete message.proposedGeneration;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.sequence = value;
                                else
                                    delete message.sequence;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Candidate
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Candidate
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Candidate.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Candidate";
                };

                return Candidate;
            })();

            v1.CandidateAnswer = (function() {

                /**
                 * Properties of a CandidateAnswer.
                 * @typedef {Object} lockstep.replication.v1.CandidateAnswer.$Properties
                 * @property {number|null} [proposedGeneration] CandidateAnswer proposedGeneration
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a CandidateAnswer.
                 * @memberof lockstep.replication.v1
                 * @interface ICandidateAnswer
                 * @augments lockstep.replication.v1.CandidateAnswer.$Properties
                 * @deprecated Use lockstep.replication.v1.CandidateAnswer.$Properties instead.
                 */

                /**
                 * Shape of a CandidateAnswer.
                 * @typedef {lockstep.replication.v1.CandidateAnswer.$Properties} lockstep.replication.v1.CandidateAnswer.$Shape
                 */

                /**
                 * Constructs a new CandidateAnswer.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a CandidateAnswer.
                 * @constructor
                 * @param {lockstep.replication.v1.CandidateAnswer.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const CandidateAnswer = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * CandidateAnswer proposedGeneration.
                 * @member {number} proposedGeneration
                 * @memberof lockstep.replication.v1.CandidateAnswer
                 * @instance
                 */
                CandidateAnswer.prototype.proposedGeneration = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Encodes the specified CandidateAnswer message. Does not implicitly {@link lockstep.replication.v1.CandidateAnswer.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.CandidateAnswer
                 * @static
                 * @param {lockstep.replication.v1.CandidateAnswer.$Properties} message CandidateAnswer message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                CandidateAnswer.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.proposedGeneration != null && $Object.hasOwnProperty.call(message, "proposedGeneration") && (typeof message.proposedGeneration === "object" ? message.proposedGeneration.low || message.proposedGeneration.high : message.proposedGeneration !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.proposedGeneration);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a CandidateAnswer message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.CandidateAnswer
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.CandidateAnswer & lockstep.replication.v1.CandidateAnswer.$Shape} CandidateAnswer
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                CandidateAnswer.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.CandidateAnswer();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.proposedGeneration = value;
                                else
                                    delete message.proposedGeneration;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for CandidateAnswer
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.CandidateAnswer
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                CandidateAnswer.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.CandidateAnswer";
                };

                return CandidateAnswer;
            })();

            v1.Refusal = (function() {

                /**
                 * Properties of a Refusal.
                 * @typedef {Object} lockstep.replication.v1.Refusal.$Properties
                 * @property {number|null} [generation] Refusal generation
                 * @property {lockstep.replication.v1.RefusalReason|null} [reason] Refusal reason
                 * @property {string|null} [message] Refusal message
                 * @property {string|null} [primary] Refusal primary
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */

                /**
                 * Properties of a Refusal.
                 * @memberof lockstep.replication.v1
                 * @interface IRefusal
                 * @augments lockstep.replication.v1.Refusal.$Properties
                 * @deprecated Use lockstep.replication.v1.Refusal.$Properties instead.
                 */

                /**
                 * Shape of a Refusal.
                 * @typedef {lockstep.replication.v1.Refusal.$Properties} lockstep.replication.v1.Refusal.$Shape
                 */

                /**
                 * Constructs a new Refusal.
                 * @memberof lockstep.replication.v1
                 * @classdesc Represents a Refusal.
                 * @constructor
                 * @param {lockstep.replication.v1.Refusal.$Properties=} [properties] Properties to set
                 * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
                 */
                const Refusal = function (properties) {
                    if (properties)
                        for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                            if (properties[keys[i]] != null && keys[i] !== "__proto__")
                                this[keys[i]] = properties[keys[i]];
                };

                /**
                 * Refusal generation.
                 * @member {number} generation
                 * @memberof lockstep.replication.v1.Refusal
                 * @instance
                 */
                Refusal.prototype.generation = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

                /**
                 * Refusal reason.
                 * @member {lockstep.replication.v1.RefusalReason} reason
                 * @memberof lockstep.replication.v1.Refusal
                 * @instance
                 */
                Refusal.prototype.reason = 0;

                /**
                 * Refusal message.
                 * @member {string} message
                 * @memberof lockstep.replication.v1.Refusal
                 * @instance
                 */
                Refusal.prototype.message = "";

                /**
                 * Refusal primary.
                 * @member {string} primary
                 * @memberof lockstep.replication.v1.Refusal
                 * @instance
                 */
                Refusal.prototype.primary = "";

                /**
                 * Encodes the specified Refusal message. Does not implicitly {@link lockstep.replication.v1.Refusal.verify|verify} messages.
                 * @function encode
                 * @memberof lockstep.replication.v1.Refusal
                 * @static
                 * @param {lockstep.replication.v1.Refusal.$Properties} message Refusal message or plain object to encode
                 * @param {$protobuf.Writer} [writer] Writer to encode to
                 * @returns {$protobuf.Writer} Writer
                 */
                Refusal.encode = function (message, writer, _depth) {
                    if (!writer)
                        writer = $Writer.create();
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $util.recursionLimit)
                        throw $Error("max depth exceeded");
                    if (message.generation != null && $Object.hasOwnProperty.call(message, "generation") && (typeof message.generation === "object" ? message.generation.low || message.generation.high : message.generation !== 0))
                        writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.generation);
                    if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== 0)
                        writer.uint32(/* id 2, wireType 0 =*/16).int32(message.reason);
                    if (message.message != null && $Object.hasOwnProperty.call(message, "message") && message.message !== "")
                        writer.uint32(/* id 3, wireType 2 =*/26).string(message.message);
                    if (message.primary != null && $Object.hasOwnProperty.call(message, "primary") && message.primary !== "")
                        writer.uint32(/* id 4, wireType 2 =*/34).string(message.primary);
                    if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                        for (let i = 0; i < message.$unknowns.length; ++i)
                            writer.raw(message.$unknowns[i]);
                    return writer;
                };

                /**
                 * Decodes a Refusal message from the specified reader or buffer.
                 * @function decode
                 * @memberof lockstep.replication.v1.Refusal
                 * @static
                 * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
                 * @param {number} [length] Message length if known beforehand
                 * @returns {lockstep.replication.v1.Refusal & lockstep.replication.v1.Refusal.$Shape} Refusal
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                Refusal.decode = function (reader, length, _end, _depth, _target) {
                    if (!(reader instanceof $Reader))
                        reader = $Reader.create(reader);
                    if (_depth === $undefined)
                        _depth = 0;
                    if (_depth > $Reader.recursionLimit)
                        throw $Error("max depth exceeded");
                    let end, message, value;
                    if (length === $undefined)
                        end = reader.len;
                    else {
                        end = reader.pos + length;
                        if (end > reader.len)
                            throw $RangeError("index out of range");
                        length = reader.len;
                        reader.len = end;
                    }
                    message = _target || new $root.lockstep.replication.v1.Refusal();
                    while (reader.pos < end) {
                        let start = reader.pos;
                        let tag = reader.tag();
                        if (tag === _end) {
                            _end = $undefined;
                            break;
                        }
                        let wireType = tag & 7;
                        switch (tag >>>= 3) {
                        case 1: {
                                if (wireType !== 0)
                                    break;
                                if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                    message.generation = value;
                                else
                                    delete message.generation;
                                continue;
                            }
                        case 2: {
                                if (wireType !== 0)
                                    break;
                                if (value = reader.int32())
                                    message.reason = value;
                                else
                                    delete message.reason;
                                continue;
                            }
                        case 3: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.message = value;
                                else
                                    delete message.message;
                                continue;
                            }
                        case 4: {
                                if (wireType !== 2)
                                    break;
                                if ((value = reader.stringVerify()).length)
                                    message.primary = value;
                                else
                                    delete message.primary;
                                continue;
                            }
                        }
                        reader.skipType(wireType, _depth, tag);
                        if (!reader.discardUnknown) {
                            $util.makeProp(message, "$unknowns", false);
                            (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                        }
                    }
                    if (length !== $undefined) {
                        if (reader.pos !== end)
                            throw $RangeError("index out of range");
                        reader.len = length;
                    }
                    if (_end !== $undefined)
                        throw $Error("missing end group");
                    return message;
                };

                /**
                 * Gets the type url for Refusal
                 * @function getTypeUrl
                 * @memberof lockstep.replication.v1.Refusal
                 * @static
                 * @param {string} [prefix] Custom type url prefix, defaults to `"type.googleapis.com"`
                 * @returns {string} The type url
                 */
                Refusal.getTypeUrl = function(prefix) {
                    if (prefix === $undefined)
                        prefix = "type.googleapis.com";
                    return prefix + "/lockstep.replication.v1.Refusal";
                };

                return Refusal;
            })();

            /**
             * RefusalReason enum.
             * @name lockstep.replication.v1.RefusalReason
             * @enum {number}
             * @property {number} REFUSAL_REASON_UNSPECIFIED=0 REFUSAL_REASON_UNSPECIFIED value
             * @property {number} REFUSAL_REASON_WIRE_VERSION=1 REFUSAL_REASON_WIRE_VERSION value
             * @property {number} REFUSAL_REASON_UNKNOWN_VOLUME=2 REFUSAL_REASON_UNKNOWN_VOLUME value
             * @property {number} REFUSAL_REASON_GENERATION=3 REFUSAL_REASON_GENERATION value
             * @property {number} REFUSAL_REASON_STATE=4 REFUSAL_REASON_STATE value
             * @property {number} REFUSAL_REASON_CHECKSUM=5 REFUSAL_REASON_CHECKSUM value
             * @property {number} REFUSAL_REASON_MALFORMED=6 REFUSAL_REASON_MALFORMED value
             * @property {number} REFUSAL_REASON_INCARNATION=7 REFUSAL_REASON_INCARNATION value
             * @property {number} REFUSAL_REASON_DISK=8 REFUSAL_REASON_DISK value
             */
            v1.RefusalReason = (function() {
                const valuesById = $Object.create(null), values = $Object.create(valuesById);
                values[valuesById[0] = "REFUSAL_REASON_UNSPECIFIED"] = 0;
                values[valuesById[1] = "REFUSAL_REASON_WIRE_VERSION"] = 1;
                values[valuesById[2] = "REFUSAL_REASON_UNKNOWN_VOLUME"] = 2;
                values[valuesById[3] = "REFUSAL_REASON_GENERATION"] = 3;
                values[valuesById[4] = "REFUSAL_REASON_STATE"] = 4;
                values[valuesById[5] = "REFUSAL_REASON_CHECKSUM"] = 5;
                values[valuesById[6] = "REFUSAL_REASON_MALFORMED"] = 6;
                values[valuesById[7] = "REFUSAL_REASON_INCARNATION"] = 7;
                values[valuesById[8] = "REFUSAL_REASON_DISK"] = 8;
                return values;
            })();

            return v1;
        })();

        return replication;
    })();

    return lockstep;
})();

export {
  $root as default
};
