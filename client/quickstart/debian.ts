export async function ensureDebianPackages(_s: unknown): Promise<void> {}
