"""SASL mechanisms as exchanges without input or output ([RFC4422])."""
