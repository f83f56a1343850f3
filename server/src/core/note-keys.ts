/** Keys of the notes a scene keeps in its store beside the document. */
export const PERMISSIONS_NOTE = "permissions";
