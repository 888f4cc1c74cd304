interfaces {
    bonding bond0 {
