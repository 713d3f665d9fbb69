"""vCards and Contact objects, both ways ([MS-OXVCARD])."""
