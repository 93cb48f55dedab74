DROP FUNCTION oldest_compatible_migration();
