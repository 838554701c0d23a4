/** Of the stores under test: small regions, so that few sectors make many cases. */
export const REGION_BYTES = 4096;
