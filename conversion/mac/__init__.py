"""Files of the Macintosh, with two forks: AppleSingle, AppleDouble, BinHex, MacBinary ([MS-OXCMAIL] 2.2.3.4.2)."""
