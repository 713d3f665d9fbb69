"""Rich Text Format: its compressed form ([MS-OXRTFCP]), and text and HTML inside it ([MS-OXRTFEX])."""
