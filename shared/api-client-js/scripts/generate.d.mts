/** Make all files. Returns their texts by name. */
export function generated(): Promise<Record<string, string>>
/** Read the files that there are. Returns their texts by name. */
export function written(): Promise<Record<string, string>>
