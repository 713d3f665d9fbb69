"""Transport Neutral Encapsulation Format, the winmail.dat of mail: to and from Message objects ([MS-OXTNEF])."""
