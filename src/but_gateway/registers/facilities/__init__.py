"""Schools, daycares and their calendars."""
